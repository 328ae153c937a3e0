"""Launch of a training run: from options to a task to the trainer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from fineparser.data.dives import DiveSource, OnBroken, ReadOptions
from fineparser.data.exemplar_pool import ExemplarPool
from fineparser.data.sources import EmptySplitError, FirstDives, open_data
from fineparser.model.protocol import Network, Provenance
from fineparser.training.devices import accelerator_for, sync_batch_norms
from fineparser.training.initial_weights import initial_network
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.training.run_folder import RUN_FILE, Run
from fineparser.training.tasks.base import Record, TaskContext, TrainingTask
from fineparser.training.tasks.crops import CropsTask
from fineparser.training.tasks.entry_faults import EntryFaultsTask
from fineparser.training.tasks.entry_segmentation import EntrySegmentationTask
from fineparser.training.tasks.full import FullTask, ParsersTask
from fineparser.training.tasks.motion import MotionTask
from fineparser.training.tasks.refiner import RefinerTask
from fineparser.training.tasks.regression import RegressionTask
from fineparser.training.tasks.spatial import SpatialTask
from fineparser.training.train_checkpoints import RunError
from fineparser.training.trainer import Trainer, TrainResult, check_checkpoint

TASKS: dict[str, type[TrainingTask]] = {
    task.name: task
    for task in (
        FullTask,
        ParsersTask,
        SpatialTask,
        CropsTask,
        RefinerTask,
        EntrySegmentationTask,
        EntryFaultsTask,
        MotionTask,
        RegressionTask,
    )
}
"""Tasks by the values of `TrainOptions.train`."""
MAX_NAMED_CODES = 8
"""Dive numbers that a note lists."""


def train(
    options: TrainOptions,
    *,
    on_record: Callable[[Record], None] = lambda record: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Train a network, alone or as one of the processes that a launcher started.

    Args:
        options: data, network, task and schedule.
        on_record: receives every record of the log, with the number of "steps" of the run, and before the first step
            the progress of the encoding ("kind": "encoding", "done", "of").
        should_stop: called after every step; True ends the run with a checkpoint.

    Raises:
        ValueError: for options, data, weights or a run folder that cannot be used, a loss that is not finite, or a
            checkpoint that could not be written. The last good checkpoint is kept.
    """
    if options.resume:
        options = options.resume_from(_earlier_options(options.out))
    task_type = TASKS[options.train]
    model, notes = initial_network(options)
    training = _open_split(options, "train", model)
    if options.limit is not None:
        training = FirstDives(training, options.limit)
    try:
        validation = _open_split(options, "validation", model)
    except EmptySplitError:
        validation = None
    if task_type.compares_pairs:
        notes += _pairing_notes(training)
    notes += map(str, training.problems)
    model.provenance = _provenance(model, training, options)
    accelerator = accelerator_for(
        options.device, options.precision, find_unused=task_type.leaves_parameters_unused(model)
    )
    run, remarks = _open_run(options, accelerator)
    model.to(accelerator.device)
    if accelerator.num_processes > 1:
        sync_batch_norms(model, accelerator.device)
    torch.manual_seed(options.seed)  # heads of the task
    context = TaskContext(
        options=options,
        model=model,
        training=training,
        validation=validation,
        accelerator=accelerator,
        on_record=on_record,
    )
    task = task_type(context)
    trainer = Trainer(task, run, should_stop=should_stop)
    if not task.checkpoint_metrics:
        notes.append("This task has no validation metric: the last checkpoint counts as the best.")
    elif validation is None:
        notes.append("There is no validation split: the last checkpoint counts as the best.")
    for note in [*remarks, *(notes if trainer.progress.step == 0 else [])]:
        trainer.note(note)
    result = trainer.train()
    if not result.stopped and accelerator.is_main_process:
        task.remove_cache()
    return result


def _open_split(options: TrainOptions, split: str, model: Network) -> DiveSource:
    """Dives of a split, simulated ones in the input size of the network."""
    reading = ReadOptions(
        seed=options.seed,
        validation=options.validation_share,
        on_broken=OnBroken.SKIP if options.skip_broken else OnBroken.RAISE,
    )
    return open_data(options.data, split, reading, scale=model.config.input_scale)


def _pairing_notes(training: DiveSource) -> list[str]:
    """Notes on dives without an exemplar of their number; DataError if there is nothing to compare with."""
    pool = ExemplarPool(training)
    pool.choose(training.card(0), np.random.default_rng(0))
    codes = pool.unique_codes()
    if not codes:
        return []
    listed = ", ".join(codes[:MAX_NAMED_CODES]) + (", ..." if len(codes) > MAX_NAMED_CODES else "")
    noun = "number" if len(codes) == 1 else "numbers"
    return [f"{training.name} has only one dive of the {noun} {listed}: the most similar dive is used as its exemplar."]


def _provenance(model: Network, training: DiveSource, options: TrainOptions) -> Provenance:
    sources = {training.card(index).source for index in range(len(training))}
    trained_on = dict.fromkeys([*model.provenance.trained_on, *sorted(sources - {""})])
    return Provenance(options.out.resolve().name, tuple(trained_on))


def _earlier_options(folder: Path) -> TrainOptions:
    """Options of the run in a folder; RunError if there is none, or one that cannot be resumed."""
    configuration = Run.read(folder).configuration
    try:
        return TrainOptions.from_json(configuration)
    except OptionsError as error:
        raise RunError(f"{folder / RUN_FILE}: {error}") from error


def _open_run(options: TrainOptions, accelerator: Accelerator) -> tuple[Run, list[str]]:
    """Folder of the run, and remarks; the main process creates it or prepares it for resuming."""
    remarks: list[str] = []
    if accelerator.is_main_process:
        if options.resume:
            _, remarks = Run.resume(options.out, check_checkpoint)
        else:
            Run.start(options.out, options.to_json())
    accelerator.wait_for_everyone()
    return Run.read(options.out), remarks
