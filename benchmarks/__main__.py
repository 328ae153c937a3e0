"""python -m benchmarks NAME: measure this machine and print the numbers as JSON."""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from fineparser.cli.arguments import add_options, from_arguments

BENCHMARKS = {
    "app": "seconds of each step of an analysis in the app, peak memory for a long clip, memory after many analyses",
    "fine_tuning": "scores before and after fine-tuning on dives of another judging panel",
    "kinematics": "errors of the measurements of a dive on simulated and labelled real clips, against their aims",
    "model": "seconds to score a dive: the published protocol against this implementation",
    "panel": "error of scores after calibration to another judging panel",
    "simulator": "simulated clips per second of one core",
    "transfer": "mask IoU on real clips of a small network trained on simulated clips alone",
    "video": "frames per second read, against OpenCV and FFmpeg's program, and the scan of a training session",
}
"""Module of each benchmark, with its summary."""


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The grammar; only the benchmark that `arguments` name is imported."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this machine.")
    commands = top.add_subparsers(required=True, metavar="NAME", dest="name")
    for name, summary in BENCHMARKS.items():
        grammar = commands.add_parser(name, help=summary, description=summary)
        grammar.add_argument("--json", type=Path, help="also write the numbers to this file")
        if name in arguments:
            add_options(grammar, import_module(f"benchmarks.{name}").OPTIONS)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark.

    Returns:
        0, or 2 for options that cannot be used.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(arguments).parse_args(arguments)
    module = import_module(f"benchmarks.{options.name}")
    try:
        result = module.measure(from_arguments(module.OPTIONS, options), lambda line: print(line, file=sys.stderr))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    text = json.dumps(result, indent=2, default=str)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
