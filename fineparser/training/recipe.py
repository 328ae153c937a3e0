"""How the bundled weights are made: the stages of their training, one run folder each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineparser.model.fineparser import FineParser
from fineparser.model.weights import Provenance
from fineparser.training.options import TrainOptions
from fineparser.training.runs import RUN_FILE, code_version
from fineparser.training.train import train

NAME = "fineparser-compact"
STAGES: dict[str, dict] = {
    # The spatial parser alone, from windows of as many divers and places as the time allows.
    "1-outlines": dict(
        train="spatial",
        data=("syndive:endless:0",),
        batch_size=3,
        windows=2,
        max_steps=1700,
        mask_objective="outline",
        learning_rate=3e-3,
        max_gradient_norm=1.0,
        colour_jitter=0.2,
        validate_every=3,
        validation_limit=16,
    ),
    # Phases and score, on top of what the outlines taught: both I3Ds begin alike, early layers and masks stay.
    "2-phases-and-score": dict(
        train="everything",
        data=("syndive:endless:1",),
        twin_i3d=True,
        freeze_masks=True,
        freeze_early=True,
        batch_size=2,
        max_steps=480,
        learning_rate=2e-3,
        i3d_rate=1.0,
        max_gradient_norm=5.0,
        score_weight=0.002,
        transition_weight=20.0,
        colour_jitter=0.2,
        validation_limit=16,
        validation_exemplars=2,
        validate_every=3,
    ),
}
"""By name: the options that differ from `TrainOptions`."""


@dataclass(frozen=True)
class RecipeOptions:
    """Making the weights that come with the project, from nothing but simulated dives."""

    out: Path
    """Folder for the runs, one a stage, and for `weights/`; an unfinished one is taken up where it stopped."""
    longer: float = 1.0
    """Factor on the steps of every stage: 1 is what the bundled weights took on two cores, a GPU has time for more."""
    device: str = "auto"
    """"auto" takes GPUs where there are any, "cpu" does not."""
    precision: str = "bf16"
    """"bf16" or "no"."""
    workers: int = 1
    """Processes that simulate dives beside the one that trains."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.longer > 0:
            raise ValueError(f"longer is a factor above 0, not {self.longer:g}")

    def stages(self) -> list[TrainOptions]:
        """The options of each stage, in their order."""
        found: list[TrainOptions] = []
        for name, values in STAGES.items():
            folder = self.out / name
            values = values | {"max_steps": max(1, round(values["max_steps"] * self.longer))}
            found.append(
                TrainOptions(
                    out=folder,
                    resume=(folder / RUN_FILE).is_file(),
                    checkpoint=str(found[-1].out / "checkpoints" / "last") if found else None,
                    epochs=values["max_steps"],  # endless data: the steps end it
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
    """Trains stage by stage and writes the weights, in half precision, to `weights/`; None where it was stopped.

    Args:
        on_record, should_stop: as for `train`.

    Raises:
        ValueError: as `train` does.
    """
    result = None
    for stage in options.stages():
        result = train(stage, on_record=on_record, should_stop=should_stop)
        if result.stopped:
            return None
    model = FineParser.from_pretrained(result.last)
    model.provenance = Provenance(f"{NAME} {code_version()['version']}", model.provenance.trained_on)
    model.save_pretrained(options.out / "weights", half=True)
    return options.out / "weights"
