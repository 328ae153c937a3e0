"""`train`: from options to a finished run."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from accelerate import Accelerator

from fineparser.data.dives import DataError, DiveSource
from fineparser.data.entry_clips import EntryClips
from fineparser.data.exemplars import ExemplarPool
from fineparser.data.pairs import ClipDataset, DiveDataset, PairDataset
from fineparser.data.posed_clips import PosedClips
from fineparser.data.sources import FirstDives, open_data
from fineparser.data.transforms import ClipTransform
from fineparser.data.windows import WindowDataset
from fineparser.model.fineparser import FineParser
from fineparser.model.inference import optimise
from fineparser.model.precision import dtype_of
from fineparser.model.weights import Provenance
from fineparser.training.backdrop_lesson import BackdropLesson, BackdropNetwork
from fineparser.training.drawings import Drawings, keep_drawings
from fineparser.training.drawn_entries import DrawnEntries, keep_drawn_entries
from fineparser.training.encoding import EncodedDives, encode_dives
from fineparser.training.entry_lessons import EntryLesson, EntryNetwork, WaterLesson, WaterNetwork
from fineparser.training.entry_squares import MARGIN, EntrySquares, keep_squares, kept_side
from fineparser.training.frame_lesson import FrameLesson, FrameNetwork
from fineparser.training.lessons import ComparisonNetwork, EncodingLesson, Lesson, PictureLesson, PictureNetwork
from fineparser.training.looks import Looks, Tracks, keep_looks
from fineparser.training.machine import accelerator_for
from fineparser.training.normalisation import join_batch_norms
from fineparser.training.options import TrainOptions
from fineparser.training.runs import Run
from fineparser.training.spatial_lesson import SpatialLesson, SpatialNetwork
from fineparser.training.starting_weights import starting_network
from fineparser.training.trainer import Trainer, TrainResult
from fineparser.training.validation import EncodedValidation, PictureValidation, Validation

KEPT = {"frames": "looks", "backdrop": "drawings", "water": "squares", "entry": "entries"}
"""Folders in a run's, for what is learnt from what the network shows as it is, by what is learnt."""
SETTLED = ("frames", "backdrop")
"""What draws outlines, whose edge is settled at the end."""
UNMEASURED = ("frames", "water", "entry")
"""What is learnt there is no more than a part of a dive's measures."""
ENCODED_AT_ONCE = 4
"""Clips encoded together for the regression: enough to keep a machine busy, whatever a step compares."""


def train(
    options: TrainOptions,
    *,
    on_record: Callable[[dict], None] = lambda record: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Trains a network as the options say, alone or as one of the processes that a launcher started.

    Args:
        on_record: is told every record of the log as it is written, with the run's number of "steps", and before
            the first step how many dives are encoded ("encoding", "done", "of").
        should_stop: asked after every step; True ends the run with a checkpoint.

    Raises:
        ValueError: for options, data, weights or a run folder that cannot be used, a loss that is no longer a
            number, or a checkpoint that could not be written; the last good one is then kept.
    """
    if options.resume:
        options = options.going_on(TrainOptions.from_json(Run.read(options.out).configuration))
    model, remarks = starting_network(options)
    detail = model.config.focus_detail
    training = _split(options, "train", detail)
    if options.limit is not None:
        training = FirstDives(training, options.limit)
    try:
        validation = _split(options, "validation", detail)
    except DataError:  # the sources have just been opened for training: it is this split that is empty
        validation = None
    remarks += [*_partner_remarks(training, options), *getattr(training, "problems", ())]
    model.provenance = _provenance(model, training, options)
    # Without the gate, along a track and for masks alone, the last block of the spatial parser's I3D has no part in the
    # losses; nor has what draws the masks anew where their loss is left out.
    unused = not model.config.spatial_gate or model.config.diver_track or options.train == "spatial"
    accelerator = accelerator_for(options.device, options.precision, find_unused=unused)
    run = _open_run(options, accelerator)
    model.to(accelerator.device)
    if accelerator.num_processes > 1:
        model = join_batch_norms(model, accelerator.device)
    torch.manual_seed(options.seed)  # a lesson's readers begin the same for the same seed
    lesson, validate = _lesson(options, model, training, validation, accelerator, on_record)
    if validate is None:
        remarks.append(
            "What is learnt here is not measured on the validation split: the last checkpoint counts as the best."
            if options.train in UNMEASURED
            else "There is no validation split: the last checkpoint counts as the best."
        )
    trainer = Trainer(
        options,
        model,
        lesson,
        run,
        accelerator,
        validate=validate,
        settle=lesson.settle if options.train in SETTLED else None,
        on_record=on_record,
        should_stop=should_stop,
    )
    if trainer.progress.step == 0:
        for remark in remarks:
            trainer.note(remark)
    result = trainer.train()
    if options.train in KEPT and not result.stopped and accelerator.is_main_process:
        shutil.rmtree(options.out / KEPT[options.train])  # gigabytes that nothing but going on needs
    return result


def _split(options: TrainOptions, split: str, detail: int) -> DiveSource:
    return open_data(
        options.data,
        split,
        seed=options.seed,
        validation=options.validation_share,
        skip_broken=options.skip_broken,
        detail=detail,
    )


def _partner_remarks(training: DiveSource, options: TrainOptions) -> list[str]:
    """What to know of the pairs; DataError where there is nothing to compare with."""
    if not options.compares:
        return []
    pool = ExemplarPool(training)
    pool.choose(training.card(0), np.random.default_rng(0))
    lonely = pool.lonely_numbers()
    if not lonely:
        return []
    shown = ", ".join(lonely[:8]) + (", ..." if len(lonely) > 8 else "")
    return [
        f"{training.name} has only one dive of the number{'s' * (len(lonely) > 1)} {shown}: "
        "the nearest dive stands in as its exemplar."
    ]


def _provenance(model: FineParser, training: DiveSource, options: TrainOptions) -> Provenance:
    sources = {training.card(index).source for index in range(len(training))}
    learnt = dict.fromkeys([*model.provenance.trained_on, *sorted(sources - {""})])
    return Provenance(options.out.resolve().name, tuple(learnt))


def _open_run(options: TrainOptions, accelerator: Accelerator) -> Run:
    """The run's folder, made or taken up by the first process; the others then find it."""
    if accelerator.is_main_process:
        if options.resume:
            Run.resume(options.out)
        else:
            Run.start(options.out, options.to_json())
    accelerator.wait_for_everyone()
    return Run.read(options.out)


def _lesson(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    validation: DiveSource | None,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> tuple[Lesson, Validation | None]:
    """What is learnt, and how it is measured on the validation split."""
    if options.train != "regression":
        if options.train in KEPT:
            learn = {"frames": _frames, "backdrop": _backdrops, "water": _water, "entry": _entries}[options.train]
            lesson = learn(options, model, training, accelerator, on_record)
        else:
            lesson = _pictures(options, model, training)
        if validation is None or options.train in UNMEASURED:
            return lesson, None
        return lesson, PictureValidation(options, model, training, validation, accelerator)
    return _regression(options, model, training, validation, accelerator, on_record)


def _pictures(options: TrainOptions, model: FineParser, training: DiveSource) -> SpatialLesson | PictureLesson:
    """Clips through the whole network or its parsers, or windows through the spatial one."""
    # Windows of the whole picture show no details.
    detail = 1 if options.train == "spatial" else model.config.focus_detail
    transform = ClipTransform.for_training(options.colour_jitter, options.closer, options.looks, detail)
    how = dict(transform=transform, seed=options.seed, skip_broken=options.skip_broken)
    if options.train == "spatial":
        dataset = WindowDataset(training, windows=options.windows, frames=model.config.window_frames, **how)
        return SpatialLesson(SpatialNetwork(model, options), dataset, options)
    kind = ClipDataset if options.train == "parsers" else PairDataset
    return PictureLesson(PictureNetwork(model, options), kind(training, **how), options)


def _frames(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> FrameLesson:
    """Single frames, along the masks of the network as it is."""
    network = FrameNetwork(model)
    clips = _posed(options, model, training)
    _keep(options, model, clips, accelerator, on_record, keep_looks)
    config = model.config
    how = options.out / KEPT["frames"], config.focus_size, options.colour_jitter, config.focus_neighbours, options.seed
    return FrameLesson(network, Looks(*how), Tracks(*how), options, clips)


def _backdrops(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> BackdropLesson:
    """Outlines once more, as the network draws them now."""
    network = BackdropNetwork(model)
    clips = _posed(options, model, training)
    _keep(options, model, clips, accelerator, on_record, keep_drawings)
    folder = options.out / KEPT["backdrop"]
    drawings = Drawings(folder, model.config.focus_size, options.colour_jitter, seed=options.seed)
    return BackdropLesson(network, drawings, options, clips)


def _water(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> WaterLesson:
    """What entries are made of."""
    network = WaterNetwork(model)
    how = dict(margin=MARGIN, detail=model.config.focus_detail, with_layers=True)
    clips = EntryClips(training, kept_side(model.config), seed=options.seed, skip_broken=options.skip_broken, **how)
    _keep(options, model, clips, accelerator, on_record, keep_squares)
    folder = options.out / KEPT["water"]
    squares = EntrySquares(folder, model.config.focus_size, options.colour_jitter, seed=options.seed)
    return WaterLesson(network, squares, options)


def _entries(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> EntryLesson:
    """What faults cost, off entries as the network draws them now."""
    network = EntryNetwork(model)
    size, detail = model.config.focus_size, model.config.focus_detail
    clips = EntryClips(training, size, detail=detail, seed=options.seed, skip_broken=options.skip_broken)
    _keep(options, model, clips, accelerator, on_record, keep_drawn_entries)
    entries = DrawnEntries(options.out / KEPT["entry"], model.config.focus_size, seed=options.seed)
    return EntryLesson(network, entries, options)


def _posed(options: TrainOptions, model: FineParser, training: DiveSource) -> PosedClips:
    """Whole clips; colours and sides are varied anew each time that one is learnt from."""
    detail = model.config.focus_detail
    reading = replace(ClipTransform.for_reading(detail=detail), mirror_chance=0.0, mask_detail=detail)
    return PosedClips(training, reading, seed=options.seed, skip_broken=options.skip_broken)


def _keep(
    options: TrainOptions,
    model: FineParser,
    clips: DiveDataset,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
    keep: Callable[..., None],
) -> None:
    """Keeps what the network as it is shows of the clips that are learnt from."""
    keep(
        _quick(options, model, accelerator),
        clips,
        options.out / KEPT[options.train],
        accelerator,
        workers=options.workers,
        on_done=lambda done, of: on_record({"kind": "encoding", "done": done, "of": of}),
    )


def _quick(options: TrainOptions, model: FineParser, accelerator: Accelerator) -> FineParser:
    """The network's quick copy, for what encodes and does not change."""
    return optimise(model, dtype_of(options.precision or "float32", accelerator.device))


def _regression(
    options: TrainOptions,
    model: FineParser,
    training: DiveSource,
    validation: DiveSource | None,
    accelerator: Accelerator,
    on_record: Callable[[dict], None],
) -> tuple[Lesson, Validation | None]:
    """The comparison alone, on encodings that are computed here, once."""
    scored = [index for index in range(len(training)) if training.card(index).is_scored]
    if len(scored) < 2:
        raise DataError(f"{training.name}: the regression needs at least two scored dives, here are {len(scored)}.")
    how = dict(batch_size=ENCODED_AT_ONCE, workers=options.workers, skip_broken=options.skip_broken)
    how |= {"progress": "encoding" if options.progress else None, "with_frames": options.learn_track}
    network = ComparisonNetwork(model, options)
    indices = range(min(len(validation or ()), options.validation_limit or len(validation or ())))
    # A network that learns to read tracks meets clips that are trimmed and filmed in other ways each time.
    detail = model.config.focus_detail
    varied = ClipTransform.for_reading(options.colour_jitter, detail) if options.learn_track else None
    views = options.views if options.learn_track else 1
    every = views * len(scored) + len(indices)
    fast = _quick(options, model, accelerator)
    dives = EncodedDives.concatenate(
        training.name,
        [
            encode_dives(
                fast,
                training,
                accelerator,
                indices=scored,
                forced=options.teacher_forcing == 1,
                with_masks=False,
                transform=varied,
                epoch=view,
                on_done=lambda done, _, view=view: on_record(
                    {"kind": "encoding", "done": view * len(scored) + done, "of": every}
                ),
                **how,
            )
            for view in range(views)
        ],
    )
    lesson = EncodingLesson(network, dives, options)
    if validation is None:
        return lesson, None
    queries = encode_dives(
        fast,
        validation,
        accelerator,
        indices=indices,
        on_done=lambda done, _: on_record({"kind": "encoding", "done": every - len(indices) + done, "of": every}),
        **how,
    )
    return lesson, EncodedValidation(options, model, dives, queries, accelerator)
