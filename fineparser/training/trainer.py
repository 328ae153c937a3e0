"""Training loop: steps, validation, checkpoints, and every way in which a run can end.

A run is a function of its options. Step n depends on the options and on n alone: the order of the dives, the pairs and
the crops follow from the seed, the epoch and the number of the sample. So a run that is resumed from a checkpoint
reaches the weights of an uninterrupted one, on the same device.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from fineparser.model.checkpoint import load_network, load_torch_file
from fineparser.plain_values import excerpt, from_plain
from fineparser.training.metrics.metric import Measurement
from fineparser.training.run_folder import Run
from fineparser.training.tasks.base import StepContext, TrainingTask
from fineparser.training.train_checkpoints import STATE_FILE, RunError, checkpoint_step, read_state
from fineparser.training.validation import Validation


@dataclass(frozen=True)
class Share:
    """Samples of one process in one step."""

    indices: tuple[int, ...]
    """Never empty."""
    is_weighted: bool = True
    """False for a filler: the last step of an epoch may have fewer samples than processes, but all must take part."""


def steps_per_epoch(count: int, *, batch_size: int, processes: int = 1) -> int:
    """Steps of an epoch over `count` samples; the last one may be smaller.

    >>> steps_per_epoch(17, batch_size=4, processes=2)
    3
    """
    return -(-count // (batch_size * processes))


def shares(
    count: int, *, batch_size: int, seed: int, epoch: int, processes: int = 1, process: int = 0, first_step: int = 0
) -> list[Share]:
    """Shares of one process in an epoch over `count` samples, starting with `first_step`.

    >>> epoch = shares(5, batch_size=2, seed=0, epoch=0)
    >>> [len(share.indices) for share in epoch], sorted(sum((share.indices for share in epoch), ()))
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """
    order = np.random.default_rng((seed, epoch)).permutation(count)
    plan = []
    for step in range(first_step, steps_per_epoch(count, batch_size=batch_size, processes=processes)):
        together = order[step * batch_size * processes : (step + 1) * batch_size * processes]
        own = np.array_split(together, processes)[process]
        plan.append(Share(tuple(own.tolist())) if len(own) else Share((int(together[0]),), is_weighted=False))
    return plan


def every(step: int, interval: int) -> bool:
    """True if an event every `interval` steps is due after `step` steps; an interval of 0 means never.

    >>> [step for step in range(8) if every(step, 3)]
    [3, 6]
    """
    return interval > 0 and step > 0 and step % interval == 0


def learning_rate_factor(step: int, *, warmup_steps: int, total_steps: int) -> float:
    """Factor on the learning rate in a step, counted from 0.

    Linear warm-up over `warmup_steps` that reaches 1 in the last of them, then half a cosine that reaches 0 in step
    `total_steps` and stays there.

    >>> [round(learning_rate_factor(s, warmup_steps=2, total_steps=6), 3) for s in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if total_steps < 1 or not 0 <= warmup_steps <= total_steps:
        raise ValueError(f"a schedule of {total_steps} steps cannot have {warmup_steps} of warm-up")
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if step >= total_steps:
        return 0.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))


Tensors = tuple[Tensor, ...] | list[Tensor]

OPTIMISER_FILE = "optimiser.pt"
MAX_WARMUP = 0.1
"""Largest share of a run for the warm-up."""
TIMED_SHARE = 0.1
"""Share of the time limit after which the number of steps is fixed."""
SEED_STRIDE = 1_000_003
"""Distance between the random seeds of runs with neighbouring seeds: a prime above any number of steps."""


class TrainingError(ValueError):
    """Training cannot continue; the message names the cause and the checkpoint that is left."""


@dataclass(frozen=True)
class TrainResult:
    """State of a run at its end."""

    run: Path
    """Folder of the run."""
    last: Path | None
    """Last checkpoint."""
    best: Path | None
    """Checkpoint with the best validation."""
    step: int
    """Finished steps."""
    stopped: bool
    """True if the run was stopped before its end; `resume` continues it."""
    chosen_by: str | None
    """Validation metric that chose `best`."""
    best_value: float | None
    """Value of the metric there."""


@dataclass
class RunProgress:
    """Progress of a run; it is saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    chosen_by: str | None = None
    """Metric that chooses the best checkpoint, None before the first validation."""
    best_value: float | None = None
    best_step: int | None = None
    total_steps: int | None = None
    """Length of the run, None before the time limit has fixed it."""

    def record_validation(self, measurements: Sequence[Measurement], metrics: Sequence[str]) -> bool:
        """Record a validation; return True if it is the best one by the first of the metrics that has a value."""
        values = {m.name: m for m in measurements if m.value is not None}
        if self.chosen_by is None:
            self.chosen_by = next((name for name in metrics if name in values), None)
        measurement = None if self.chosen_by is None else values.get(self.chosen_by)
        if measurement is None or measurement.value is None:
            return False
        sign = 1 if measurement.higher_is_better else -1
        if self.best_value is not None and sign * measurement.value <= sign * self.best_value:
            return False
        self.best_value, self.best_step = measurement.value, self.step
        return True


@dataclass(frozen=True)
class TrainCheckpoint:
    """Contents of a checkpoint of a run."""

    progress: RunProgress
    weights: dict[str, Tensor]
    """Of the network as it was saved: the EMA, if there is one."""
    state: dict[str, Any]
    """Of the optimiser, the heads and, beside an EMA, the weights that are trained."""

    @classmethod
    def load(cls, folder: Path) -> "TrainCheckpoint":
        """Checkpoint in a folder.

        Raises:
            ValueError: for a missing or broken file, with its name.
        """
        try:
            progress = from_plain(RunProgress, read_state(folder))
        except ValueError as error:
            raise RunError(f"{folder / STATE_FILE}: {error}") from error
        if progress.step != checkpoint_step(folder):
            raise RunError(f"{folder / STATE_FILE}: step should be that of the folder, not {progress.step}")
        weights = load_network(folder).state_dict()
        path = folder / OPTIMISER_FILE
        state = load_torch_file(path)
        for name in ("optimiser", "heads"):
            if not isinstance(state.get(name), dict):
                raise RunError(f"{path}: {name} should be a dictionary, not {excerpt(state.get(name))}")
        return cls(progress, weights, state)


def check_checkpoint(folder: Path) -> None:
    """Refuse a checkpoint of a run that is not whole; ValueError with the name of the file."""
    TrainCheckpoint.load(folder)


class Trainer:
    """A run, from its first or its resumed step to its end.

    Args:
        task: what is trained, with the options, the network and the devices of the run.
        run: folder of the run.
        should_stop: called after every step; True stops the run.
    """

    def __init__(self, task: TrainingTask, run: Run, *, should_stop: Callable[[], bool] = lambda: False) -> None:
        self.task, self.run = task, run
        self.options, self.model, self.accelerator = task.options, task.model, task.context.accelerator
        self.progress = RunProgress()
        self._validation: Validation | None = task.validation()
        self._should_stop = should_stop
        self._saved_at = 0.0
        options = self.options
        self.epoch_steps = steps_per_epoch(
            len(task), batch_size=options.batch_size, processes=self.accelerator.num_processes
        )
        scheduled = self.epoch_steps * options.run_epochs
        self.total_steps = min(scheduled, options.max_steps or scheduled)
        groups = [
            group | {"params": [p for p in group["params"] if p.requires_grad]}
            for group in self.model.parameter_groups(options.i3d_rate)
        ]
        # Heads of the task are trained with the network, but are no part of it.
        heads = [p for name, p in task.network.named_parameters() if not name.startswith("model.")]
        groups.append({"name": "heads", "params": heads, "lr_factor": 1.0})
        self.optimiser: Any = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self.ema: AveragedModel | None = None
        if options.ema_decay:
            update = ema_with_warmup(options.ema_decay)
            self.ema = AveragedModel(self.model, multi_avg_fn=update, use_buffers=True)
        if run.checkpoints.last is not None:
            self._load(run.checkpoints.last)
        elif self.accelerator.is_main_process:
            run.rewind(-1)  # killed before its first checkpoint, it starts again
        self.network, self.optimiser = self.accelerator.prepare(task.network, self.optimiser)

    def train(self) -> TrainResult:
        """Run to the end or until a stop; TrainingError if the loss is not finite."""
        is_hidden = not (self.options.progress and self.accelerator.is_main_process)
        bar = tqdm(total=self.total_steps, initial=self.progress.step, desc="training", unit="step", disable=is_hidden)
        starts_trained = self.options.checkpoint is not None and self.run.checkpoints.last is None
        # The starting weights stay the best ones until a validation is better.
        if starts_trained and self._validation is not None and self._validate(self._validation, epoch=-1):
            self._save(best=True)
        with StopSignals() as signals, bar:
            stopped = self._loop(bar, lambda: signals.received or self._should_stop())
        checkpoints = self.run.checkpoints
        return TrainResult(
            run=self.run.folder,
            last=checkpoints.last,
            best=checkpoints.best,
            step=self.progress.step,
            stopped=stopped,
            chosen_by=self.progress.chosen_by,
            best_value=self.progress.best_value,
        )

    def note(self, text: str) -> None:
        """Write a note to the terminal and to the log."""
        if self.accelerator.is_main_process and self.options.progress:
            tqdm.write(text, file=sys.stderr)
        self._log("note", text=text)

    def _loop(self, bar: tqdm, should_stop: Callable[[], bool]) -> bool:
        """Train to the end of the run; return True if it was stopped before."""
        options, progress = self.options, self.progress
        start = time.monotonic() - progress.seconds
        while progress.step < self.total_steps:
            epoch, first_step = divmod(progress.step, self.epoch_steps)
            plan = shares(
                len(self.task),
                batch_size=options.batch_size,
                seed=options.seed,
                epoch=epoch,
                processes=self.accelerator.num_processes,
                process=self.accelerator.process_index,
                first_step=first_step,
            )[: self.total_steps - progress.step]
            batches = self.task.batches(epoch, [share.indices for share in plan])
            self.network.train()
            for share, batch in zip(plan, batches, strict=True):
                record, stop = self._step(batch, share.is_weighted, should_stop())
                progress.step += 1
                progress.seconds = time.monotonic() - start
                self._fit_to_time_limit()
                self._log("train", epoch=epoch, **record, seconds=round(progress.seconds, 3))
                bar.update()
                bar.set_postfix(loss=f"{record['total']:.3g}")
                ends_epoch = progress.step == self.total_steps or every(progress.step, self.epoch_steps)
                if not ends_epoch and (stop or every(progress.step, options.checkpoint_every or 0)):
                    self._save(best=False)
                if ends_epoch:
                    self._end_epoch(epoch, stop)
                if stop:
                    return progress.step < self.total_steps
                if progress.step == self.total_steps:
                    break
        return False

    @property
    def warmup_steps(self) -> int:
        """Steps of linear warm-up."""
        requested = round(self.options.warmup_epochs * self.epoch_steps)
        return min(requested, int(MAX_WARMUP * self.total_steps))

    def _fit_to_time_limit(self) -> None:
        """Shorten the run to the steps that its time limit allows, once a part of that time has passed."""
        limit, progress = 60 * (self.options.minutes or math.inf), self.progress
        if progress.total_steps is None and progress.seconds >= TIMED_SHARE * limit:
            progress.total_steps = max(progress.step, int(progress.step * limit / progress.seconds))
            self.total_steps = min(self.total_steps, progress.total_steps)

    def _step(self, batch: Any, is_weighted: bool, stop: bool) -> tuple[dict[str, float], bool]:
        """Step of the optimiser; the losses of all processes together, and True if any of them has to stop."""
        options, step = self.options, self.progress.step
        torch.manual_seed(options.seed * SEED_STRIDE + step)
        factor = learning_rate_factor(step, warmup_steps=self.warmup_steps, total_steps=self.total_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = options.learning_rate * group["lr_factor"] * factor
        teacher_forcing = step < options.teacher_forcing * self.total_steps
        losses = self.task.losses(self.network, batch, StepContext(is_weighted, teacher_forcing, self._mean))
        self.optimiser.zero_grad()
        self.accelerator.backward(losses.total)
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, options.max_gradient_norm or math.inf)
        terms = losses.terms
        # One reduction for the losses, the gradient norm and the request to stop.
        values = torch.stack([*terms.values(), norm, norm.new_tensor(float(stop))])
        *means, mean_norm, stop_share = self._mean(values).tolist()
        record = dict(zip(terms, means, strict=True))
        if not all(map(math.isfinite, [*means, mean_norm])):
            self._raise_not_finite(record, mean_norm)
        self.optimiser.step()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        rates = {"gradient_norm": mean_norm, "learning_rate": options.learning_rate * factor}
        return record | rates, stop_share > 0

    def _raise_not_finite(self, record: dict[str, float], norm: float) -> None:
        last = self.run.checkpoints.last
        raise TrainingError(
            f"in step {self.progress.step + 1} the loss is no longer a number: "
            f"{', '.join(f'{name} {value:g}' for name, value in record.items())}, gradient {norm:g}. "
            + (f"The last good checkpoint, {last.name}, is kept" if last else "There is no checkpoint yet")
            + ". Try a lower learning rate, a longer warm-up or max_gradient_norm, and check the data of this step"
        )

    def _end_epoch(self, epoch: int, stop: bool) -> None:
        """Validate if it is due, and save."""
        best = self._validation is None
        is_last = self.progress.step == self.total_steps
        if self._validation is not None and (every(epoch + 1, self.options.validate_every) or is_last):
            best = self._validate(self._validation, epoch)
        is_due = self.progress.seconds - self._saved_at >= self.options.checkpoint_seconds
        # The clocks of several processes differ, and all must decide alike: they save every time.
        if best or is_last or stop or is_due or self.accelerator.num_processes > 1:
            self._save(best)
        self.network.train()

    def _validate(self, validation: Validation, epoch: int) -> bool:
        """Validate the weights as they would be saved; return True if they are the best so far."""
        with self._ema_weights():
            result = validation.measure()
        metrics = (*filter(None, [self.options.choose_by]), *self.task.checkpoint_metrics)
        best = self.progress.record_validation(result.measurements, metrics)
        measured = [m for m in result.measurements if m.value is not None]
        self._log(
            "validation",
            epoch=epoch,
            best=best,
            **{m.name: m.value for m in measured},
            intervals={m.name: [m.low, m.high] for m in measured if m.low is not None},
            dives=result.dives,
        )
        return best

    def _save(self, best: bool) -> None:
        self.accelerator.wait_for_everyone()
        self._saved_at = self.progress.seconds
        if not self.accelerator.is_main_process:
            return

        def write(folder: Path) -> None:
            state: dict[str, Any] = {"optimiser": self.optimiser.state_dict(), "heads": self._head_state()}
            if self.ema is not None:
                state["weights"] = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
                state["ema_updates"] = self.ema.n_averaged
            with self._ema_weights():
                if self.task.calibrates_mask_threshold and self.progress.step == self.total_steps:
                    self._log("mask_threshold", offset=self.task.calibrate_mask_threshold())
                self.model.save_pretrained(folder)
            torch.save(state, folder / OPTIMISER_FILE)

        self.run.save(self.progress.step, asdict(self.progress), write, best=best)

    def _load(self, checkpoint: Path) -> None:
        """Restore network, optimiser and progress from a checkpoint."""
        loaded = TrainCheckpoint.load(checkpoint)
        self.progress = loaded.progress
        if self.run.checkpoints.best is None:  # lost: the next validation chooses again
            self.progress.best_value = self.progress.best_step = None
        self.total_steps = min(self.total_steps, self.progress.total_steps or self.total_steps)
        try:
            if self.ema is not None:
                self.ema.module.load_state_dict(loaded.weights)
                self.ema.n_averaged.copy_(loaded.state["ema_updates"])
            self.model.load_state_dict(loaded.state.get("weights", loaded.weights))
            self.task.network.load_state_dict(loaded.state["heads"], strict=False)
            self.optimiser.load_state_dict(loaded.state["optimiser"])
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise RunError(f"{checkpoint / OPTIMISER_FILE} does not fit this run: {error}") from error
        if self.accelerator.is_main_process:
            self.run.rewind(self.progress.step)

    def _head_state(self) -> dict[str, Tensor]:
        """State of the heads of the task."""
        state = self.task.network.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith("model.")}

    @contextmanager
    def _ema_weights(self) -> Iterator[None]:
        """Context in which the network has the EMA of its weights, if there is one."""
        if self.ema is None:
            yield
            return
        current = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.ema.module.state_dict())
        try:
            yield
        finally:
            self.model.load_state_dict(current)

    def _log(self, kind: str, **values: Any) -> None:
        if self.accelerator.is_main_process:
            self.run.log(kind, self.progress.step, **values)
            self.task.context.on_record({"kind": kind, "step": self.progress.step, "steps": self.total_steps, **values})

    def _mean(self, tensor: Tensor) -> Tensor:
        """Mean of a tensor over all processes."""
        return self.accelerator.reduce(tensor, reduction="mean")


def ema_with_warmup(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Update of an exponential moving average, with a smaller decay in the first steps.

    The update is computed in place for many tensors of one data type at once: one by one is much slower. Integer
    tensors, which count, are copied.
    """

    def update(averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        current_decay = min(decay, (1 + int(count)) / (10 + int(count)))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - current_decay)
        else:
            torch._foreach_copy_(averages, values)

    return update


class StopSignals:
    """Context in which Ctrl-C and SIGTERM request a stop after the current step; a second signal stops at once."""

    def __init__(self) -> None:
        self.received = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():  # no other thread can have handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = True
        print("\nstopping after this step, with a checkpoint; once more stops at once", file=sys.stderr)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
