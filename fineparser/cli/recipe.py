"""python -m fineparser recipe: train the bundled weights from the start."""

import argparse

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "train the weights that come with the project, stage by stage, from simulated dives alone"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    from fineparser.training.recipe import RecipeOptions

    grammar = commands.add_parser("recipe", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, RecipeOptions)


def run(options: argparse.Namespace) -> int:
    """Run the recipe, or continue an interrupted run."""
    from fineparser.training.devices import shut_down_processes
    from fineparser.training.recipe import RecipeOptions, run_recipe

    weights = run_recipe(from_arguments(RecipeOptions, options))
    if shut_down_processes():
        print("stopped early; the same command continues" if weights is None else f"weights: {weights}")
    return 0
