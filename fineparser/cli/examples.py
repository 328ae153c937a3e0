"""python -m fineparser examples: makes the example clips that come with the app."""

import argparse
from pathlib import Path

SUMMARY = "make the app's simulated example clips again"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    grammar = commands.add_parser("examples", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("--out", type=Path, help="folder for them (default: assets/examples)")


def run(options: argparse.Namespace) -> int:
    """Writes every example clip."""
    from fineparser.data.example_clips import FOLDER, write_examples

    write_examples(
        options.out or FOLDER,
        told=lambda path, plan: print(
            f"{path}: {plan.code} from {plan.height:g} m, {len(plan.times)} frames, {path.stat().st_size / 1000:.0f} kB"
        ),
    )
    return 0
