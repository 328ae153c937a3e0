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


def _fine_tuning(options: Namespace) -> dict:
    from fineparser.bench.fine_tuning import FineTuningBench, bench_fine_tuning

    bench = FineTuningBench(dives=options.dives, epochs=options.epochs, checkpoint=options.checkpoint)
    return bench_fine_tuning(bench, told=lambda line: print(line, file=sys.stderr))


def _app(options: Namespace) -> dict:
    from fineparser.bench.app import AppBenchOptions, bench_app

    return bench_app(AppBenchOptions(options.checkpoint), told=lambda line: print(line, file=sys.stderr))


def _panel(options: Namespace) -> dict:
    from fineparser.bench.panel import PanelBench, bench_panel

    if options.numbers is None:
        raise ValueError("bench panel needs --numbers: the table that `python -m fineparser evaluate` wrote, .csv")
    return bench_panel(PanelBench(options.numbers))


BENCHES: dict[str, Callable[[Namespace], dict]] = {
    "app": _app,
    "fine-tuning": _fine_tuning,
    "model": _model,
    "panel": _panel,
    "simulate": _simulate,
    "transfer": _transfer,
}
"""What `python -m fineparser bench` can measure, each from the command's options to plain values."""
