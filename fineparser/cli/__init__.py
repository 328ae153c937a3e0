"""The command line: python -m fineparser COMMAND, one module a command."""
