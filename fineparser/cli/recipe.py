"""python -m fineparser recipe: makes the bundled weights anew."""

import argparse

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "train the weights that come with the project, stage by stage, from simulated dives alone"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    from fineparser.training.recipe import RecipeOptions

    grammar = commands.add_parser("recipe", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, RecipeOptions)


def run(options: argparse.Namespace) -> int:
    """Follows the recipe, or goes on with it."""
    from fineparser.training.machine import leave_processes
    from fineparser.training.recipe import RecipeOptions, follow

    weights = follow(from_arguments(RecipeOptions, options))
    if leave_processes():
        print("stopped early; the same command goes on" if weights is None else f"weights: {weights}")
    return 0
