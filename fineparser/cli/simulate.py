"""python -m fineparser simulate: write simulated dives."""

import argparse
from pathlib import Path

SUMMARY = "write simulated dives with every label, in FineDiving's folders and pickles"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("simulate", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("--count", type=int, required=True, help="number of dives")
    grammar.add_argument("--out", type=Path, required=True, help="a new folder, or an unfinished one of the same job")
    grammar.add_argument("--seed", type=int, default=0, help="the same seed gives the same dives")
    grammar.add_argument(
        "--size", type=int, default=112, help="height of the frames in pixels, 112 to 720 (default: 112)"
    )
    grammar.add_argument(
        "--codes", nargs="+", default=[], metavar="CODE", help="dive numbers (default: as in competitions)"
    )


def run(options: argparse.Namespace) -> int:
    """Write simulated dives in FineDiving's format."""
    from tqdm import tqdm

    from fineparser.data.finediving_writer import SimulationJob, write_finediving
    from fineparser.domain.dive_code import DiveCode

    codes = tuple(DiveCode.parse(code) for code in options.codes)
    job = SimulationJob(options.count, options.seed, options.size, codes)
    with tqdm(total=job.count, unit="dive", desc="simulating") as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        rendered = write_finediving(job, options.out, progress=show)
    print(f"{job.count} dives in {options.out}, {rendered} of them rendered now")
    return 0
