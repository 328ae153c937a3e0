"""Grammar of the command line, and its entry point.

A command imports its packages when it runs: training and simulation work without the app's packages.
"""

import argparse
import sys
from collections.abc import Sequence

from fineparser.cli import (
    analyse,
    award_model,
    bank,
    evaluate,
    examples,
    import_checkpoint,
    measure,
    recipe,
    simulate,
    train,
)

COMMANDS = {
    "analyse": analyse,
    "measure": measure,
    "bank": bank,
    "simulate": simulate,
    "train": train,
    "recipe": recipe,
    "award-model": award_model,
    "evaluate": evaluate,
    "import-checkpoint": import_checkpoint,
    "examples": examples,
}
"""In the order of the help. Each module has `add_to(commands)`, which adds its grammar and sets its `run`."""


def parser(name: str | None = None) -> argparse.ArgumentParser:
    """The grammar of the command line, or that of one command, which imports less."""
    top = argparse.ArgumentParser(prog="fineparser", description="Score competitive dives from video.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in [COMMANDS[name]] if name in COMMANDS else COMMANDS.values():
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the input end in a sentence, not in a traceback.

    Returns:
        0 for success, 1 if some of many clips could not be used, 2 for input that cannot be used at all, 130 if
        interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(next(iter(arguments), None)).parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
