"""How the bundled weights are made: dives that are drawn and kept, then the stages of training, a run folder each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineparser.data.kept_dives import KEPT_LINES, keep_dives
from fineparser.data.syndive import SynDives
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import Provenance
from fineparser.training.options import TrainOptions
from fineparser.training.runs import RUN_FILE, code_version
from fineparser.training.train import train

NAME = "fineparser-compact"
DIVES, DIVES_SEED = 9400, 0
"""Simulated dives that are learnt from; they take 34 GB, and what looks along the track learns from 77 GB meanwhile."""
ENTRIES, ENTRIES_SEED = 24000, 1
"""Others, of which nothing but the entry is drawn, for what is read off it: a number a dive is learnt from many dives
only. They take 11 GB."""
VARIED = dict(colour_jitter=0.25, validation_share=0.01, averaged=0.998)
STAGES: dict[str, dict] = {
    # Outlines, and the I3D that they and the windows' features share, from single windows of many dives.
    "1-outlines": dict(
        train="spatial",
        windows=1,
        batch_size=6,
        max_steps=14600,
        mask_objective="outline",
        learning_rate=3e-3,
        weight_decay=1e-3,
        max_gradient_norm=1.0,
        side_chance=0.25,
        closer=0.28,
        looks=2,
        validation_limit=16,
        **VARIED,
    ),
    # What a body looks like, in the squares that those outlines lead: its outline anew, points of it and its posture;
    # and, from end to end of some dives, what happens: switches, splash and faults.
    "2-frames": dict(
        train="frames",
        batch_size=64,
        max_steps=11400,
        learning_rate=2e-3,
        weight_decay=0.02,
        max_gradient_norm=5.0,
        transition_weight=0.5,
        **VARIED | dict(averaged=0.999),
    ),
    # The outlines once more, before the scenery that other frames show.
    "3-backdrop": dict(
        train="backdrop",
        limit=1500,
        batch_size=8,
        max_steps=8000,
        learning_rate=3e-3,
        weight_decay=0.01,
        max_gradient_norm=5.0,
        validate_every=10,
        validation_limit=32,
        **VARIED,
    ),
    # The entry, drawn pixel by pixel, and what its faults cost, read off the drawing.
    "4-water": dict(
        train="water",
        limit=4700,
        batch_size=12,
        max_steps=8000,
        learning_rate=3e-3,
        weight_decay=0.02,
        max_gradient_norm=5.0,
        **VARIED,
    ),
    "5-entry": dict(
        train="entry",
        batch_size=48,
        max_steps=5900,
        learning_rate=2e-3,
        weight_decay=0.05,
        max_gradient_norm=5.0,
        **VARIED | dict(averaged=0.98),
    ),
    # The comparison, and phases and faults for it, from encodings by what has been learnt.
    "6-comparison": dict(
        train="regression",
        learn_track=True,
        teacher_forcing=0.0,
        batch_size=32,
        max_steps=1150,
        views=2,
        learning_rate=2e-3,
        weight_decay=0.2,
        max_gradient_norm=5.0,
        score_weight=0.003,
        transition_weight=0.5,
        **VARIED | dict(averaged=0.99),
    ),
}
"""By name: the options that differ from `TrainOptions`."""


@dataclass(frozen=True)
class RecipeOptions:
    """Making the weights that come with the project, from nothing but simulated dives."""

    out: Path
    """Folder for the dives, for the runs, one a stage, and for `weights/`; an unfinished one is taken up where it
    stopped."""
    longer: float = 1.0
    """Factor on the dives and on the steps of every stage: 1 is about what the bundled weights took, most of it on a
    GPU; two cores need two days for that."""
    device: str = "auto"
    """"auto" takes GPUs where there are any, "cpu" does not."""
    precision: str = "auto"
    """"float32", "bf16", or "auto": bf16 where the GPU or processor has it."""
    workers: int = 1
    """Processes that simulate dives, and that read them beside the one that trains."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.longer > 0:
            raise ValueError(f"longer is a factor above 0, not {self.longer:g}")

    @property
    def dives(self) -> SynDives:
        """What is learnt from."""
        return SynDives(max(2, round(DIVES * self.longer)), DIVES_SEED, lines=KEPT_LINES, width="full")

    def stages(self) -> list[TrainOptions]:
        """The options of each stage, in their order."""
        found: list[TrainOptions] = []
        dives = f"kept:{self.out / 'dives'}"
        entries = SynDives(max(2, round(ENTRIES * self.longer)), ENTRIES_SEED).name
        for name, values in STAGES.items():
            folder = self.out / name
            values = values | {"max_steps": max(1, round(values["max_steps"] * self.longer))}
            found.append(
                TrainOptions(
                    out=folder,
                    data=(entries if values["train"] == "entry" else dives,),
                    resume=(folder / RUN_FILE).is_file(),
                    checkpoint=str(found[-1].out / "checkpoints" / "last") if found else None,
                    epochs=values["max_steps"],  # the steps end it
                    device=self.device,
                    precision=self.precision,
                    workers=self.workers,
                    checkpoint_every=100,
                    progress=self.progress,
                    **values,
                )
            )
        return found


def follow(
    options: RecipeOptions,
    *,
    on_record: Callable[[dict], None] = lambda record: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Draws dives, trains stage by stage and writes the weights, in half precision, to `weights/`.

    None where it was stopped.

    Args:
        on_record: as for `train`; of kept dives it is told "kind": "drawing", "done", "of".
        should_stop: as for `train`; dives that are being drawn are drawn to their end.

    Raises:
        ValueError: as `train` does.
    """
    keep_dives(
        options.dives,
        options.out / "dives",
        workers=max(1, options.workers),
        on_done=lambda done, of: on_record({"kind": "drawing", "done": done, "of": of}),
    )
    result = None
    for stage in options.stages():
        result = train(stage, on_record=on_record, should_stop=should_stop)
        if result.stopped:
            return None
    model = FineParser.from_pretrained(result.last)
    model.provenance = Provenance(f"{NAME} {code_version()['version']}", model.provenance.trained_on)
    model.save_pretrained(options.out / "weights", half=True)
    return options.out / "weights"
