"""python -m fineparser examples: write the example clips of the app."""

import argparse
from pathlib import Path

SUMMARY = "write the app's simulated example clips"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("examples", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("--out", type=Path, required=True, help="folder for the clips; the app reads assets/examples")


def run(options: argparse.Namespace) -> int:
    """Write every example clip."""
    from fineparser.data.example_clips import write_examples

    write_examples(
        options.out,
        on_written=lambda path, plan: print(
            f"{path}: {plan.code} from {plan.height:g} m, {len(plan.times)} frames, {path.stat().st_size / 1000:.0f} kB"
        ),
    )
    return 0
