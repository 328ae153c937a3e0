"""python -m fineparser train: train a network."""

import argparse

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "train a network on dives"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    from fineparser.training.options import TrainOptions

    grammar = commands.add_parser("train", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, TrainOptions)


def run(options: argparse.Namespace) -> int:
    """Train a network, or continue a run."""
    from fineparser.training.devices import shut_down_processes
    from fineparser.training.launch import train as train_network
    from fineparser.training.options import TrainOptions

    result = train_network(from_arguments(TrainOptions, options))
    if not shut_down_processes():
        return 0
    if result.best_value is not None:
        print(f"best checkpoint: {result.best} ({result.chosen_by} {result.best_value:.4f} on the validation split)")
    print(f"last checkpoint: {result.last}, after {result.step} steps{'; stopped early' if result.stopped else ''}")
    return 0
