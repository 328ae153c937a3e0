"""python -m fineparser import-checkpoint: convert weights of the published code."""

import argparse
from pathlib import Path

SUMMARY = "convert weights of the published code"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("import-checkpoint", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    source = grammar.add_mutually_exclusive_group(required=True)
    source.add_argument("file", type=Path, nargs="?", help="a checkpoint of the published training script (.pth)")
    source.add_argument("--i3d", type=Path, metavar="FILE", help="instead: Kinetics I3D weights, for both I3Ds")
    grammar.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")


def run(options: argparse.Namespace) -> int:
    """Convert weights of the published code to a checkpoint folder."""
    from fineparser.model.reference_weights import import_checkpoint as import_weights

    source = options.i3d or options.file
    model = import_weights(source, i3d=options.i3d is not None)
    model.save_pretrained(options.out)
    print(f"{source} is now {options.out} ({sum(p.numel() for p in model.parameters()) / 1e6:.1f} million weights)")
    return 0
