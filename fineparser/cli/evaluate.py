"""python -m fineparser evaluate: measures a network."""

import argparse
from pathlib import Path

from fineparser.cli.arguments import add_options, from_arguments

SUMMARY = "measure a network by the voting protocol"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    from fineparser.training.options import EvaluateOptions

    grammar = commands.add_parser("evaluate", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, EvaluateOptions, checkpoint="default")
    grammar.add_argument("--bank", type=Path, help="file of exemplars to compare with, instead of the training split")


def run(options: argparse.Namespace) -> int:
    """Measures a network by the voting protocol."""
    from fineparser.training.evaluator import evaluate as measure
    from fineparser.training.machine import device_for, leave_processes
    from fineparser.training.options import EvaluateOptions

    wanted = from_arguments(EvaluateOptions, options)
    model = bank = None
    if options.checkpoint == "default" or options.bank is not None:
        from fineparser.analysis.analyser import DiveAnalyser

        # As the app does it: the copy for inference, whose bf16 needs no autocast around it.
        device = str(device_for(wanted.device))
        analyser = DiveAnalyser.from_pretrained(options.checkpoint, options.bank, device, precision=wanted.precision)
        if options.checkpoint == "default" and not analyser.model.provenance.trained:
            raise ValueError("no trained weights come with the project yet: name a checkpoint folder")
        model, bank = analyser.network, analyser.bank
    evaluation = measure(wanted, bank, model)
    written = evaluation.save()
    if leave_processes():
        print(evaluation.table())
        print("written:", *written)
    return 0
