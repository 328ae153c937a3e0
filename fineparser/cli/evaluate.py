"""python -m fineparser evaluate: measure a network."""

import argparse
from pathlib import Path

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "measure a network by the voting protocol"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    from fineparser.training.options import EvaluateOptions

    grammar = commands.add_parser("evaluate", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, EvaluateOptions, checkpoint="default")
    grammar.add_argument("--bank", type=Path, help="file of exemplars to compare with, instead of the training split")


def run(options: argparse.Namespace) -> int:
    """Measure a network by the voting protocol."""
    from fineparser.training.devices import device_for, shut_down_processes
    from fineparser.training.evaluator import evaluate as measure
    from fineparser.training.options import EvaluateOptions

    evaluate_options = from_arguments(EvaluateOptions, options)
    model = bank = None
    if options.checkpoint == "default" or options.bank is not None:
        from fineparser.analysis.analyser import DiveAnalyser

        # The inference copy, as in the app; its bf16 needs no autocast.
        device = str(device_for(evaluate_options.device))
        analyser = DiveAnalyser.from_pretrained(
            options.checkpoint, options.bank, device, precision=evaluate_options.precision
        )
        model, bank = analyser.network, analyser.bank
    evaluation = measure(evaluate_options, bank, model)
    written = evaluation.save()
    if shut_down_processes():
        print(evaluation.table())
        print("written:", *written)
    return 0
