"""The command line: python -m fineparser COMMAND, one module for each command.

command_line: main
"""
