"""python -m fineparser train: trains a network."""

import argparse

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "train a network on dives"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    from fineparser.training.options import TrainOptions

    grammar = commands.add_parser("train", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, TrainOptions)


def run(options: argparse.Namespace) -> int:
    """Trains a network, or goes on with a run."""
    from fineparser.training.machine import leave_processes
    from fineparser.training.options import TrainOptions
    from fineparser.training.train import train as train_network

    result = train_network(from_arguments(TrainOptions, options))
    if not leave_processes():
        return 0
    if result.best_value is not None:
        print(f"best checkpoint: {result.best} ({result.chosen_by} {result.best_value:.4f} on the validation split)")
    print(f"last checkpoint: {result.last}, after {result.step} steps{'; stopped early' if result.stopped else ''}")
    return 0
