"""python -m fineparser bench: measures this machine."""

import argparse
import json
from pathlib import Path

SUMMARY = "measure this machine with the project"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    from fineparser.bench import BENCHES

    grammar = commands.add_parser("bench", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("what", choices=sorted(BENCHES), help="what to measure")
    grammar.add_argument("--json", type=Path, help="also write the numbers to this file")
    grammar.add_argument("--minutes", type=float, default=30.0, help="of training, for transfer (default: 30)")
    grammar.add_argument("--real", type=Path, default=Path("../shared/real"), help="labelled clip folder, for transfer")
    grammar.add_argument("--numbers", type=Path, help="table of an evaluation, .csv, for panel")
    grammar.add_argument("--clips", type=int, default=40, help="how many clips, for simulate (default: 40)")
    grammar.add_argument("--dives", type=int, default=60, help="to learn from, for fine-tuning (default: 60)")
    grammar.add_argument("--epochs", type=int, default=60, help="of training, for fine-tuning (default: 60)")
    grammar.add_argument("--checkpoint", default="default", help="weights, for app and fine-tuning")


def run(options: argparse.Namespace) -> int:
    """Measures one thing on this machine."""
    from fineparser.bench import BENCHES

    result = BENCHES[options.what](options)
    text = json.dumps(result, indent=2, default=str)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n")
    return 0
