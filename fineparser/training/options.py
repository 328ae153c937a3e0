"""What `train` and `evaluate` are asked to do; the command line fills these in, field by field."""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.precision import PRECISIONS

PARTS = ("everything", "parsers", "spatial", "frames", "backdrop", "water", "entry", "regression")
MASK_OBJECTIVES = ("focal", "outline")
ABLATIONS = ("gate", "static", "transitions")
PRESETS = {"paper": FineParserConfig.paper, "compact": FineParserConfig.compact, "tiny": FineParserConfig.tiny}
EPOCHS = {"paper": 400}
EPOCHS_OTHERWISE = 60


FREE_TO_CHANGE = {"out", "resume", "workers", "progress", "device", "checkpoint_every", "checkpoint_seconds"}
"""Options that may differ when a run is taken up again: they leave its result alone."""


class OptionsError(ValueError):
    """Options that contradict each other or cannot be."""


@dataclass(frozen=True)
class TrainOptions:
    """A training run. The paper's optimiser and schedule are the defaults."""

    out: Path
    """The run's folder: a new or an empty one, or with `resume` the run to go on with."""
    data: tuple[str, ...] = ()
    """Sources: syndive:COUNT, syndive:endless, finediving:FOLDER, mtl-aqa:FOLDER, clips:FOLDER. With `resume` they may
    be left away, and everything else: what is not given is as the run began."""

    limit: int | None = None
    """At most so many training dives, the first ones."""

    # Network
    config: str = "compact"
    """"paper", "compact", "tiny" or a JSON file as in a checkpoint's config.json."""
    without: tuple[str, ...] = ()
    """Parts to take out, for ablations: "gate", "static", "transitions" (the clip is then one phase)."""
    checkpoint: str | None = None
    """A checkpoint (folder or Hugging Face id) to start from, instead of `config` and the weights below."""
    i3d: Path | None = None
    """Kinetics I3D weights to start both I3Ds from."""
    resnet: str | None = None
    """ImageNet ResNet-34 weights for the static encoder: "imagenet" fetches torchvision's, else a file."""

    # What is learnt
    train: str = "everything"
    """"everything", "parsers" (masks and transitions alone), "spatial" (masks alone, from single windows of many
    dives), "frames" (what looks along the diver's track: masks drawn anew, points, posture, switches and faults, from
    true masks and what simulated dives tell), "backdrop" (what refines these masks before the
    scenery), "water" (what draws body, flying water and foam of the entry, of simulated dives), "entry" (what reads off
    that drawing what faults cost), or "regression" (the score alone, from encodings computed once)."""
    windows: int = 2
    """With `train="spatial"`: windows drawn from each dive."""
    learn_track: bool = False
    """With `train="regression"`: also learn what reads the track of the diver, transitions and static tokens. All
    exemplars then have to be encoded anew."""
    views: int = 1
    """With `learn_track`: times that each training dive is encoded, trimmed, mirrored and coloured in another way."""
    freeze_masks: bool = False
    """Keep the masks as the checkpoint has them: of the spatial parser only the last blocks learn, whose feature gates
    the windows; where masks are drawn anew in squares, what looks at these keeps its weights, too."""
    teacher_forcing: float = 1.0
    """Share of the run that pools at labelled transitions before it changes to predicted ones. With
    `train="regression"` labelled ones are used throughout at 1, predicted ones below."""
    score_weight: float = 1.0
    """Weight of the score loss in the sum (the paper's is 1)."""
    transition_weight: float = 1.0
    """Weight of the transition loss in the sum (the paper's is 1)."""
    mask_weight: float = 1.0
    """Weight of the mask loss in the sum (the paper's is 1)."""
    mask_objective: str = "focal"
    """"focal" is the paper's mask loss; "outline" is cross-entropy and Dice, above all of the fused mask: it counts a
    distant diver as much as a near one and learns several times as fast from nothing."""

    # Optimiser and schedule
    epochs: int | None = None
    """Times that the data are gone through; None: 400 for "paper", 60 otherwise."""
    minutes: float | None = None
    """Shortens the run, and its schedule, so that its steps take about so many minutes; told by its first steps."""
    max_steps: int | None = None
    """Ends the run, and its schedule, after so many steps if that comes first."""
    batch_size: int = 8
    """Pairs (clips with `train="parsers"`) a process and step."""
    learning_rate: float = 1e-3
    """Of Adam."""
    i3d_rate: float = 0.1
    """Share of the learning rate at which the I3D beside the spatial parser learns (the paper's is a tenth, from
    Kinetics weights; from nothing 1 is better)."""
    warmup_epochs: float = 5.0
    """Epochs of linear climb before the cosine; at most a tenth of the run is used for it."""
    max_gradient_norm: float | None = None
    """Longer gradients are shortened to this length."""
    freeze_i3d_norms: bool | None = None
    """Keep the statistics of the I3Ds' batch norms; None: where they start from Kinetics weights."""
    weight_decay: float = 0.0
    """Of the optimiser, decoupled from the gradient (AdamW)."""
    averaged: float = 0.0
    """Checkpoints hold a running mean of the weights that keeps so much of itself a step, such as 0.998; 0: the weights
    as they are."""
    side_chance: float = 1.0
    """With `train="spatial"`: share of the steps in which the side outputs are computed and learn, too."""
    colour_jitter: float = 0.0
    """How far brightness, contrast, saturation and colour balance of a clip vary, as a share."""
    closer: float = 0.0
    """Half of the crops show up to so much less than the picture's height, as a share, and are enlarged."""
    looks: int = 1
    """Of so many random crops the one that shows most of the diver is taken."""

    # Validation and checkpoints
    validation_share: float = 0.1
    """Share of the training dives that is kept for validation, where a source has no validation split of its own."""
    choose_by: str | None = None
    """Metric by which the best checkpoint is chosen; None: by what is learnt."""
    validate_every: int = 1
    """Epochs between two looks at the validation split, by which the best checkpoint is chosen."""
    validation_exemplars: int = 3
    """Exemplars that vote on a validation dive."""
    validation_limit: int | None = 200
    """At most so many validation dives, the first ones."""
    checkpoint_every: int | None = None
    """Steps between two checkpoints; one is written after every epoch in any case."""
    checkpoint_seconds: float = 0.0
    """Seconds between the checkpoints of two epochs at least; the best and the last are written in any case."""
    resume: bool = False
    """Go on with the run in `out`."""

    # Machine
    device: str = "auto"
    """"auto" takes GPUs where there are any, "cpu" does not."""
    precision: str | None = None
    """"float32", "bf16", or "auto": bf16 where the GPU or processor has it; None: bf16 where a GPU has it."""
    workers: int = 0
    """Processes that read and prepare clips beside each training process."""
    seed: int = 0
    """Of the weights, the order of the dives, the pairs and the crops."""
    skip_broken: bool = False
    """Go on without broken items of the data."""
    progress: bool = True
    """Show a progress bar."""

    def __post_init__(self) -> None:
        if not self.data and not self.resume:
            raise OptionsError("there is nothing to train on: name at least one source, such as syndive:endless")
        if self.train not in PARTS:
            raise OptionsError(f"train is one of {', '.join(PARTS)}, not {self.train!r}")
        if unknown := sorted(set(self.without) - set(ABLATIONS)):
            raise OptionsError(f"without takes {', '.join(ABLATIONS)}, not {', '.join(unknown)}")
        if self.checkpoint is not None and (self.i3d or self.resnet or self.without):
            raise OptionsError("a checkpoint brings its own weights and parts: leave i3d, resnet and without away")
        if self.mask_objective not in MASK_OBJECTIVES:
            raise OptionsError(f"mask_objective is one of {', '.join(MASK_OBJECTIVES)}, not {self.mask_objective!r}")
        for name in ("averaged", "side_chance", "closer"):
            if not 0 <= getattr(self, name) <= (1 if name == "side_chance" else 0.9999):
                raise OptionsError(f"{name} is a share from 0 to below 1, not {getattr(self, name):g}")
        if self.weight_decay < 0:
            raise OptionsError(f"the weight decay is at least 0, not {self.weight_decay:g}")
        if not 0 <= self.teacher_forcing <= 1:
            raise OptionsError(f"teacher_forcing is a share of the run from 0 to 1, not {self.teacher_forcing:g}")
        if self.learning_rate <= 0:
            raise OptionsError(f"the learning rate is above 0, not {self.learning_rate:g}")
        if self.precision not in (None, *PRECISIONS):
            raise OptionsError(f"precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}")
        if not 0 <= self.validation_share < 1:
            raise OptionsError(f"validation_share is a share from 0 to below 1, not {self.validation_share:g}")
        if self.minutes is not None and self.minutes <= 0:
            raise OptionsError(f"minutes is above 0, not {self.minutes:g}")
        if self.freeze_masks and self.checkpoint is None:
            raise OptionsError("freeze_masks keeps what a checkpoint has learnt: name a checkpoint")
        if self.freeze_masks and self.train == "spatial":
            raise OptionsError("there is nothing left to learn with train='spatial' and freeze_masks")
        for name, least in (
            ("batch_size", 1),
            ("windows", 1),
            ("views", 1),
            ("looks", 1),
            ("validate_every", 1),
            ("validation_exemplars", 1),
            ("workers", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise OptionsError(f"{name} is at least {least}, not {getattr(self, name)}")
        for name in ("limit", "epochs", "max_steps", "checkpoint_every", "validation_limit"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise OptionsError(f"{name} is at least 1, not {getattr(self, name)}")

    @property
    def compares(self) -> bool:
        """Whether dives are compared in the run, or only looked at one by one."""
        return self.train in ("everything", "regression")

    @property
    def run_epochs(self) -> int:
        """Epochs of the run, the configuration's default filled in."""
        return self.epochs or EPOCHS.get(self.config, EPOCHS_OTHERWISE)

    def to_json(self) -> dict:
        """Plain values, as `from_json` takes them back."""
        values = asdict(self)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict) -> "TrainOptions":
        """The options in plain values; OptionsError for names that this version does not know."""
        if unknown := sorted(set(values) - {field.name for field in fields(cls)}):
            raise OptionsError(f"unknown options {', '.join(unknown)}: the run is of another version")
        paths = {name: Path(values[name]) for name in ("out", "i3d") if values.get(name) is not None}
        return cls(**{**values, "data": tuple(values["data"]), "without": tuple(values["without"]), **paths})

    def going_on(self, earlier: "TrainOptions") -> "TrainOptions":
        """These options for going on with a run that began with `earlier` ones.

        Where no data are named, everything that stands at its default is as in the run; otherwise all of it must be.
        OptionsError for what would change the run's result.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        if not self.data:
            given = {field.name: given[field.name] for field in fields(self) if given[field.name] != field.default}
        differing = [
            f"{name} was {getattr(earlier, name)!r} and is {value!r}"
            for name, value in given.items()
            if name not in FREE_TO_CHANGE and value != getattr(earlier, name)
        ]
        if differing:
            raise OptionsError(
                f"the run in {self.out} cannot go on with other options: {'; '.join(differing)}. "
                "Leave them as they were, or start a new run from its checkpoint"
            )
        return replace(earlier, **given)


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
        """Plain values."""
        values = asdict(self)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}


def network_config(config: str, without: tuple[str, ...] = ()) -> FineParserConfig:
    """The configuration by name or from a JSON file, without the parts that an ablation takes out.

    OptionsError where the file cannot be read.
    """
    if config in PRESETS:
        return ablated(PRESETS[config](), without)
    try:
        values = json.loads(Path(config).read_text())
    except FileNotFoundError:
        raise OptionsError(f"config is {', '.join(PRESETS)} or a file; {config!r} is neither") from None
    except (OSError, ValueError) as error:
        raise OptionsError(f"{config} is no readable JSON: {error}") from error
    # A checkpoint's config.json holds the configuration under this name, beside where the weights come from.
    return ablated(FineParserConfig.from_json(values.get("architecture", values)), without)


def ablated(config: FineParserConfig, without: tuple[str, ...]) -> FineParserConfig:
    """The configuration without the spatial gate, the static branch or the cut into phases.

    >>> ablated(FineParserConfig.compact(), ("gate", "transitions")).phase_count
    1
    """
    changes: dict = {}
    if "gate" in without:
        # Along a track nothing is compared that it could gate.
        changes |= {"spatial_gate": False, **WITHOUT_TRACK}
    if "static" in without:
        # The track is made of the static branch's frames, and what draws anew, too.
        changes |= {"static_branch": False, **WITHOUT_TRACK}
    if "transitions" in without:
        changes |= {"temporal_parsing": False, "phase_weights": (1.0,), "entry_channels": ()}
    return replace(config, **changes)
