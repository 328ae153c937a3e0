"""Recipe of the bundled weights: simulated dives are stored, then the network is trained in stages, a run each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineparser.data.dive_store import STORE_LINES, store_dives
from fineparser.data.readers.syndive import SynDives
from fineparser.model.checkpoint import load_network
from fineparser.model.protocol import Provenance
from fineparser.training.launch import train
from fineparser.training.options import RegressionTaskOptions, SpatialTaskOptions, TrainOptions
from fineparser.training.run_folder import RUN_FILE, code_version

NAME = "fineparser-compact"
DIVES, DIVES_SEED = 9400, 0
"""Simulated dives, and their seed. They take 34 GB, and the cache of the task "crops" 77 GB."""
ENTRIES, ENTRIES_SEED = 24000, 1
"""More dives, and their seed, of which only the entry is rendered, for the task "entry-faults": its labels are one
number a dive. They take 11 GB."""
COMMON: dict[str, Any] = dict(colour_jitter=0.25, validation_share=0.01, ema_decay=0.998)
"""Options of every stage, unless it has others."""
MOTIONS, MOTIONS_SEED = 3000, 2
"""More dives, and their seed, for the task "motion", which needs the simulator's motion. Their tracks take 0.6 GB."""
STAGES: dict[str, dict[str, Any]] = {
    # The spatial parser, on single windows of many dives.
    "1-spatial": dict(
        train="spatial",
        spatial=SpatialTaskOptions(windows_per_dive=1, side_output_probability=0.25),
        batch_size=6,
        max_steps=14600,
        mask_loss="dice",
        learning_rate=3e-3,
        weight_decay=1e-3,
        max_gradient_norm=1.0,
        zoom_jitter=0.28,
        crop_attempts=2,
        validation_limit=16,
        **COMMON,
    ),
    # The crop encoder and the encoding of tracks, in crops placed by those masks.
    "2-crops": dict(
        train="crops",
        batch_size=64,
        max_steps=11400,
        learning_rate=2e-3,
        weight_decay=0.02,
        max_gradient_norm=5.0,
        transition_weight=0.5,
        **COMMON | dict(ema_decay=0.999),
    ),
    # The mask refiner, with backgrounds from other frames.
    "3-refiner": dict(
        train="refiner",
        limit=1500,
        batch_size=8,
        max_steps=8000,
        learning_rate=3e-3,
        weight_decay=0.01,
        max_gradient_norm=5.0,
        validate_every=10,
        validation_limit=32,
        **COMMON,
    ),
    # The entry branch: the segmentation, then the cost of faults on segmented entries.
    "4-entry-segmentation": dict(
        train="entry-segmentation",
        limit=4700,
        batch_size=12,
        max_steps=8000,
        learning_rate=3e-3,
        weight_decay=0.02,
        max_gradient_norm=5.0,
        **COMMON,
    ),
    "5-entry-faults": dict(
        train="entry-faults",
        batch_size=48,
        max_steps=5900,
        learning_rate=2e-3,
        weight_decay=0.05,
        max_gradient_norm=5.0,
        **COMMON | dict(ema_decay=0.98),
    ),
    # The motion head, on cached track features; the comparison divides dives at its transitions.
    "6-motion": dict(
        train="motion",
        batch_size=32,
        max_steps=4000,
        learning_rate=2e-3,
        weight_decay=0.05,
        max_gradient_norm=5.0,
        transition_weight=0.5,
        **COMMON | dict(ema_decay=0.99),
    ),
    # The comparison and the encoding of tracks, on cached track features.
    "7-comparison": dict(
        train="regression",
        regression=RegressionTaskOptions(train_track=True, augmentations_per_dive=2),
        teacher_forcing=0.0,
        batch_size=32,
        max_steps=1150,
        learning_rate=2e-3,
        weight_decay=0.2,
        max_gradient_norm=5.0,
        score_weight=0.003,
        transition_weight=0.5,
        **COMMON | dict(ema_decay=0.99),
    ),
}
"""Options of each stage that differ from the defaults of `TrainOptions`, by its name."""


@dataclass(frozen=True)
class RecipeOptions:
    """Training of the bundled weights from simulated dives alone."""

    out: Path
    """Folder for the dives, the runs of the stages and `weights/`; an unfinished recipe is resumed."""
    length_scale: float = 1.0
    """Factor on the number of dives and on the steps of every stage; 1 is the length of the bundled weights, two days
    on two cores, less on a GPU."""
    device: str = "auto"
    """"auto": GPUs if there are any; "cpu": never."""
    precision: str = "auto"
    """"float32", "bf16", or "auto": bf16 if the GPU or processor has it."""
    workers: int = 1
    """Processes that simulate and read dives."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.length_scale > 0:
            raise ValueError(f"length_scale is a factor above 0, not {self.length_scale:g}")

    @property
    def dives(self) -> SynDives:
        """Dives of all stages but the entry faults."""
        return SynDives(max(2, round(DIVES * self.length_scale)), DIVES_SEED, lines=STORE_LINES, width="full")

    def stages(self) -> list[TrainOptions]:
        """Options of the stages, in their order."""
        stages: list[TrainOptions] = []
        dives = f"store:{self.out / 'dives'}"
        simulated = {
            task: SynDives(max(2, round(count * self.length_scale)), seed).name
            for task, count, seed in (("entry-faults", ENTRIES, ENTRIES_SEED), ("motion", MOTIONS, MOTIONS_SEED))
        }
        for name, values in STAGES.items():
            folder = self.out / name
            values = values | {"max_steps": max(1, round(values["max_steps"] * self.length_scale))}
            stages.append(
                TrainOptions(
                    out=folder,
                    data=(simulated.get(values["train"], dives),),
                    resume=(folder / RUN_FILE).is_file(),
                    checkpoint=str(stages[-1].out / "checkpoints" / "last") if stages else None,
                    epochs=values["max_steps"],  # max_steps ends the run
                    device=self.device,
                    precision=self.precision,
                    workers=self.workers,
                    checkpoint_every=100,
                    progress=self.progress,
                    **values,
                )
            )
        return stages


def run_recipe(
    options: RecipeOptions,
    *,
    on_record: Callable[[dict], None] = lambda record: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Simulate dives, train stage by stage and write the weights, in half precision, to `weights/`.

    Args:
        options: folder, length and machine.
        on_record: as for `train`; it also receives the progress of the simulation ("kind": "simulation", "done", "of").
        should_stop: as for `train`; it does not stop the simulation of dives.

    Returns:
        Folder of the weights, None if the recipe was stopped.

    Raises:
        ValueError: as `train` does.
    """
    store_dives(
        options.dives,
        options.out / "dives",
        workers=max(1, options.workers),
        on_done=lambda done, total: on_record({"kind": "simulation", "done": done, "of": total}),
    )
    last: Path | None = None
    for stage in options.stages():
        result = train(stage, on_record=on_record, should_stop=should_stop)
        if result.stopped:
            return None
        last = result.last
    if last is None:
        raise ValueError(f"the last stage in {options.out} left no checkpoint")
    model = load_network(last)
    model.provenance = Provenance(f"{NAME} {code_version()['version']}", model.provenance.trained_on)
    model.save_pretrained(options.out / "weights", half=True)
    return options.out / "weights"
