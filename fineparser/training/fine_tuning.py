"""What a run on a few dozen of one's own dives asks for, apart from what its owner chooses."""

from dataclasses import replace

from fineparser.training.options import TrainOptions

EXEMPLARS = 10
"""Votes on a validation dive, as in an analysis."""
CHECKPOINT_SECONDS = 20.0
"""An epoch on a few dozen encodings is over in less than a second."""


def fine_tuning(options: TrainOptions) -> TrainOptions:
    """The options as fine-tuning needs them: validated like an analysis, going on without broken dives.

    The best checkpoint is the one with the smallest squared error: a panel's scale, which is what is learnt, leaves
    the dives' ranks alone.
    """
    return replace(
        options,
        validation_exemplars=EXEMPLARS,
        choose_by=None if options.train == "parsers" else "r_l2_x100",
        checkpoint_seconds=CHECKPOINT_SECONDS,
        skip_broken=True,
        progress=False,
    )
