"""Options of `train` and `evaluate`; each is an argument of the command line, with the text below it as its help."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from fineparser.model.precision import PRECISIONS
from fineparser.plain_values import MAX_EXCERPT, check_types

Options = TypeVar("Options")

TASK_NAMES = (
    "everything",
    "parsers",
    "spatial",
    "crops",
    "refiner",
    "entry-segmentation",
    "entry-faults",
    "motion",
    "regression",
)
"""Names of the tasks in `fineparser.training.tasks`."""
MASK_LOSS_NAMES = ("focal", "dice")
ABLATIONS = ("gate", "static", "transitions")
PAPER_EPOCHS, DEFAULT_EPOCHS = 400, 60
CHANGEABLE_ON_RESUME = {"out", "resume", "workers", "progress", "device", "checkpoint_every", "checkpoint_seconds"}
"""Options without influence on the result of a run, which may change when it is resumed."""


class OptionsError(ValueError):
    """Options that contradict each other or have impossible values."""


@dataclass(frozen=True, kw_only=True)
class ClipTaskOptions:
    """Options of the tasks "everything" and "parsers"."""

    freeze_masks: bool = False
    """Keep the masks of the checkpoint: everything that they depend on keeps its weights."""
    freeze_i3d_norms: bool | None = None
    """Keep the statistics of the batch norms of the I3Ds; None: if they start from Kinetics weights."""


@dataclass(frozen=True, kw_only=True)
class SpatialTaskOptions:
    """Options of the task "spatial"."""

    windows_per_dive: int = 2
    """Random windows of each dive an epoch."""
    side_output_probability: float = 1.0
    """Share of the steps in which the side outputs of the spatial parser are computed and trained, too."""


@dataclass(frozen=True, kw_only=True)
class RegressionTaskOptions:
    """Options of the task "regression"."""

    train_track: bool = False
    """Also train the part of CompactFineParser that turns crop features into transitions and tokens. The exemplar bank
    has to be encoded again afterwards."""
    augmentations_per_dive: int = 1
    """With `train_track`: encodings of each training dive, each trimmed, mirrored and coloured in another way."""


@dataclass(frozen=True)
class TrainOptions:
    """A training run. The defaults are the optimiser and the schedule of the paper."""

    out: Path
    """Folder of the run: new or empty, or with `resume` the folder of the run to resume."""
    data: tuple[str, ...] = ()
    """Sources: syndive:COUNT, syndive:endless, finediving:FOLDER, mtl-aqa:FOLDER, clips:FOLDER. With `resume`, sources
    and all other options default to those of the run."""

    limit: int | None = None
    """Use the first LIMIT training dives only."""

    # Network
    config: str = "compact"
    """"paper", "compact", "tiny" or a JSON file such as the config.json of a checkpoint."""
    without: tuple[str, ...] = ()
    """Parts of the published network to remove, for ablations: "gate", "static", "transitions"."""
    checkpoint: str | None = None
    """Checkpoint to start from (folder or Hugging Face id), instead of `config`, `i3d` and `resnet`."""
    i3d: Path | None = None
    """I3D weights of Kinetics that both I3Ds start from."""
    resnet: str | None = None
    """ResNet-34 weights of ImageNet that the static encoder starts from: "imagenet" (torchvision's) or a file."""

    # Task
    train: str = "everything"
    """Task: "everything" (the whole network, on pairs of clips), "parsers" (masks and transitions, on clips),
    "spatial" (masks, on single windows), "crops" (the crop encoder: masks, keypoints, pose, transitions and faults, on
    crops around the diver), "refiner" (the mask refiner), "entry-segmentation" (the segmentation of the entry),
    "entry-faults" (the fault head on segmented entries), "motion" (the motion head: rotation, shape and dive),
    "regression" (the comparison, on encodings that are computed once). Crops, entries and the motion are learnt from
    simulated dives."""
    clips: ClipTaskOptions = field(default_factory=ClipTaskOptions)
    spatial: SpatialTaskOptions = field(default_factory=SpatialTaskOptions)
    regression: RegressionTaskOptions = field(default_factory=RegressionTaskOptions)

    # Losses
    teacher_forcing: float = 1.0
    """Share of the run that pools at labelled transitions; the rest pools at predicted ones. The regression pools at
    labelled transitions throughout at 1, at predicted ones below."""
    score_weight: float = 1.0
    """Weight of the score loss in the sum (1 in the paper)."""
    transition_weight: float = 1.0
    """Weight of the transition loss in the sum (1 in the paper)."""
    mask_weight: float = 1.0
    """Weight of the mask loss in the sum (1 in the paper)."""
    mask_loss: str = "focal"
    """"focal" is the mask loss of the paper; "dice" is cross-entropy plus Dice, mostly of the fused mask: it weighs
    small and large divers equally and converges several times as fast from random weights."""

    # Optimiser and schedule
    epochs: int | None = None
    """Epochs; None: 400 for "paper", 60 otherwise."""
    minutes: float | None = None
    """Time limit for the steps in minutes. The first steps are timed; the run and its schedule are shortened to fit."""
    max_steps: int | None = None
    """Limit on the steps; it shortens the schedule, too."""
    batch_size: int = 8
    """Samples a process and step: pairs, or clips, windows, dives where the task has no pairs."""
    learning_rate: float = 1e-3
    """Peak learning rate of Adam."""
    i3d_rate: float = 0.1
    """Factor on the learning rate of the I3D beside the spatial parser (0.1 in the paper, from Kinetics weights; 1 is
    better from random weights)."""
    warmup_epochs: float = 5.0
    """Epochs of linear warm-up before the cosine; at most a tenth of the run."""
    max_gradient_norm: float | None = None
    """Gradients are clipped to this norm."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    ema_decay: float = 0.0
    """Decay of the exponential moving average (EMA) of the weights that checkpoints hold, such as 0.998; 0: no EMA."""

    # Augmentation
    colour_jitter: float = 0.0
    """Strength of random changes of brightness, contrast, saturation and colour balance, as a share."""
    zoom_jitter: float = 0.0
    """Half of the random crops are smaller by up to this share of the frame's height, and enlarged."""
    crop_attempts: int = 1
    """Random crops to draw for each clip; the one with the largest part of the diver is used."""

    # Validation and checkpoints
    validation_share: float = 0.1
    """Share of the training dives that is held out for validation, if a source has no validation split."""
    choose_by: str | None = None
    """Metric that chooses the best checkpoint; None: the first of the task's that can be measured."""
    validate_every: int = 1
    """Epochs between two validations."""
    validation_exemplars: int = 3
    """Exemplars that vote on each validation dive."""
    validation_limit: int | None = 200
    """Use the first VALIDATION_LIMIT validation dives only."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints; there is one after every epoch in any case."""
    checkpoint_seconds: float = 0.0
    """Least time in seconds between the checkpoints of two epochs; the best and the last are always written."""
    resume: bool = False
    """Resume the run in `out`."""

    # Machine
    device: str = "auto"
    """"auto": GPUs if there are any; "cpu": never."""
    precision: str | None = None
    """"float32", "bf16", or "auto": bf16 if the GPU or processor has it; None: bf16 if a GPU has it."""
    workers: int = 0
    """Processes that read and prepare clips beside each training process."""
    seed: int = 0
    """Seed of the weights and of the order of dives, pairs and crops."""
    skip_broken: bool = False
    """Leave out broken items of the data."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.data and not self.resume:
            raise OptionsError("there is nothing to train on: name at least one source, such as syndive:endless")
        if self.checkpoint is not None and (self.i3d or self.resnet or self.without):
            raise OptionsError("a checkpoint has weights and a configuration: omit i3d, resnet and without")
        if unknown := sorted(set(self.without) - set(ABLATIONS)):
            raise OptionsError(f"without takes {', '.join(ABLATIONS)}, not {', '.join(unknown)}")
        if self.clips.freeze_masks and self.checkpoint is None:
            raise OptionsError("freeze_masks keeps the masks of a checkpoint: name a checkpoint")
        if self.clips.freeze_masks and self.train == "spatial":
            raise OptionsError("there is nothing to train with train='spatial' and freeze_masks")
        values = option_values(self)
        for name, choices in (("train", TASK_NAMES), ("mask_loss", MASK_LOSS_NAMES), ("precision", PRECISIONS)):
            if values[name] not in choices and (values[name] is not None or name != "precision"):
                raise OptionsError(f"{name} is one of {', '.join(choices)}, not {values[name]!r}")
        for name in ("ema_decay", "zoom_jitter", "validation_share"):
            if not 0 <= values[name] < 1:
                raise OptionsError(f"{name} is a share from 0 to below 1, not {values[name]:g}")
        for name in ("side_output_probability", "teacher_forcing"):
            if not 0 <= values[name] <= 1:
                raise OptionsError(f"{name} is a share from 0 to 1, not {values[name]:g}")
        for name in ("learning_rate", "minutes"):
            if values[name] is not None and values[name] <= 0:
                raise OptionsError(f"{name} is above 0, not {values[name]:g}")
        for name, least in LEAST_VALUES.items():
            if values[name] is not None and values[name] < least:
                raise OptionsError(f"{name} is at least {least}, not {values[name]:g}")

    @property
    def run_epochs(self) -> int:
        """Epochs of the run, the default of the configuration included."""
        return self.epochs or (PAPER_EPOCHS if self.config == "paper" else DEFAULT_EPOCHS)

    def to_json(self) -> dict:
        """Plain values by the names of the options, as `from_json` takes them."""
        return _plain_values(self)

    @classmethod
    def from_json(cls, values: dict) -> "TrainOptions":
        """Options from plain values; OptionsError for names or values that this version does not know."""
        if unknown := sorted(set(values) - set(option_fields(cls))):
            listed = ", ".join(name[:MAX_EXCERPT] for name in unknown[:5])
            raise OptionsError(f"unknown options {listed}: the run is of another version")
        if "out" not in values:
            raise OptionsError("out is missing")
        try:
            check_types(values, option_fields(cls))
        except ValueError as error:
            raise OptionsError(str(error)) from error
        paths = {name: Path(values[name]) for name in ("out", "i3d") if values.get(name) is not None}
        lists = {name: tuple(values[name]) for name in ("data", "without") if name in values}
        return from_option_values(cls, {**values, **lists, **paths})

    def resume_from(self, earlier: "TrainOptions") -> "TrainOptions":
        """Options for resuming a run that began with the `earlier` ones.

        Without `data`, every option at its default is taken from the run; with `data`, all options have to be equal.
        OptionsError for a change that would change the result of the run.
        """
        requested, before = option_values(self), option_values(earlier)
        if not self.data:
            defaults = {name: _default(item) for name, item in option_fields(type(self)).items()}
            requested = {name: value for name, value in requested.items() if value != defaults[name]}
        differing = [
            f"{name} was {before[name]!r} and is {value!r}"
            for name, value in requested.items()
            if name not in CHANGEABLE_ON_RESUME and value != before[name]
        ]
        if differing:
            raise OptionsError(
                f"the run in {self.out} cannot be resumed with other options: {'; '.join(differing)}. "
                "Leave them as they were, or start a new run from its checkpoint"
            )
        return from_option_values(type(self), before | requested)


LEAST_VALUES = {
    "weight_decay": 0,
    "batch_size": 1,
    "windows_per_dive": 1,
    "augmentations_per_dive": 1,
    "crop_attempts": 1,
    "validate_every": 1,
    "validation_exemplars": 1,
    "workers": 0,
    "seed": 0,
    "limit": 1,
    "epochs": 1,
    "max_steps": 1,
    "checkpoint_every": 1,
    "validation_limit": 1,
}
"""Lower bounds of options of `TrainOptions`; None passes where an option may be None."""


@dataclass(frozen=True)
class EvaluateOptions:
    """An evaluation by the voting protocol: each dive against exemplars, the mean of their votes."""

    data: tuple[str, ...]
    """Sources, as for training."""
    checkpoint: str
    """Folder or Hugging Face id of the weights."""
    out: Path
    """The JSON file to write; the table of dives goes beside it as .csv."""
    split: str = "test"
    """"train", "validation", "test" or "all"; a source without that split is taken whole."""
    exemplars: int = 10
    """Exemplars that vote on a dive."""
    exemplar_data: tuple[str, ...] = ()
    """Sources of the exemplars; none: the training split of `data`."""
    seed: int = 0
    """Of the choice of exemplars and the bootstrap."""
    score_range: tuple[float, float] | None = None
    """Lowest and highest score that R-l2 divides by; None: those of the evaluated true scores."""
    resamples: int = 1000
    """Bootstrap resamples behind each interval; 0 leaves the intervals out."""
    batch_size: int = 4
    """Clips encoded at once in each process."""
    device: str = "auto"
    """"auto" takes GPUs where there are any, "cpu" does not."""
    precision: str = "float32"
    """"float32", "bf16", or "auto": bf16 where the GPU or processor has it."""
    workers: int = 0
    """Processes that read and prepare clips."""
    limit: int | None = None
    """At most so many dives, the first ones."""
    skip_broken: bool = False
    """Go on without broken items of the data."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.data:
            raise OptionsError("there is nothing to evaluate on: name at least one source, such as clips:FOLDER")
        if self.split not in ("train", "validation", "test", "all"):
            raise OptionsError(f"split is train, validation, test or all, not {self.split!r}")
        if self.precision not in PRECISIONS:
            raise OptionsError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}")
        if self.exemplars < 1:
            raise OptionsError(f"at least one exemplar has to vote, not {self.exemplars}")
        if self.score_range is not None and not self.score_range[1] > self.score_range[0]:
            raise OptionsError(f"score_range is the lowest and the highest score, not {self.score_range}")
        if self.resamples < 0 or self.batch_size < 1 or self.workers < 0:
            raise OptionsError("resamples and workers are at least 0, batch_size at least 1")
        if self.limit is not None and self.limit < 1:
            raise OptionsError(f"limit is at least 1, not {self.limit}")

    def to_json(self) -> dict:
        """Plain values by the names of the options."""
        return _plain_values(self)


def option_fields(kind: type) -> dict[str, Field]:
    """Fields of an options dataclass by name, those of nested options in the place of the nested ones."""
    collected: dict[str, Field] = {}
    for item in fields(kind):
        nested = _nested_options(item)
        collected |= {item.name: item} if nested is None else option_fields(nested)
    return collected


def option_values(options: Any) -> dict[str, Any]:
    """Values of an options dataclass by the names of `option_fields`."""
    collected: dict[str, Any] = {}
    for item in fields(options):
        value = getattr(options, item.name)
        collected |= {item.name: value} if _nested_options(item) is None else option_values(value)
    return collected


def from_option_values(kind: type[Options], values: Mapping[str, Any]) -> Options:
    """The options dataclass with these values; names that are missing have their defaults."""
    collected: dict[str, Any] = {}
    for item in fields(kind):  # type: ignore[arg-type]
        nested = _nested_options(item)
        if nested is not None:
            collected[item.name] = from_option_values(nested, values)
        elif item.name in values:
            collected[item.name] = values[item.name]
    return kind(**collected)


def _nested_options(item: Field) -> type | None:
    """The dataclass that a field holds, None for a plain value."""
    factory = item.default_factory
    return factory if isinstance(factory, type) and is_dataclass(factory) else None


def _default(item: Field) -> Any:
    return None if item.default is MISSING else item.default


def _plain_values(options: Any) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in option_values(options).items()}
