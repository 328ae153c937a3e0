"""Measurements of every floor: ratios from one run on one machine, never tests."""

import sys
from argparse import Namespace
from collections.abc import Callable


def _simulate(options: Namespace) -> dict:
    from fineparser.bench.simulate import bench_simulate

    return bench_simulate(options.clips).to_json()


def _transfer(options: Namespace) -> dict:
    from fineparser.training.transfer import TransferOptions, transfer

    return transfer(TransferOptions(minutes=options.minutes, real=options.real)).to_json()


def _model(options: Namespace) -> dict:
    from fineparser.bench.model import ModelBenchOptions, bench_model

    return bench_model(ModelBenchOptions(), told=lambda line: print(line, file=sys.stderr))


BENCHES: dict[str, Callable[[Namespace], dict]] = {
    "model": _model,
    "simulate": _simulate,
    "transfer": _transfer,
}
"""What `python -m fineparser bench` can measure, each from the command's options to plain values."""
