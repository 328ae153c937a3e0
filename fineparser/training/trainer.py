"""The training loop: steps, validation, checkpoints, and every way in which a run can end.

A run is a function of its options. What happens in step n depends on the options and n alone (the order of the
dives, pairs and crops is drawn from the seed, the epoch and the sample's number), so a run that is taken up from a
checkpoint reaches the weights of one that was never interrupted, on the same device.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from fineparser.model.fineparser import FineParser
from fineparser.training.checkpoints import read_state
from fineparser.training.epochs import shares, steps_per_epoch
from fineparser.training.lessons import Lesson
from fineparser.training.metrics import Measurement
from fineparser.training.options import TrainOptions
from fineparser.training.runs import Run
from fineparser.training.schedule import every, learning_rate_factor
from fineparser.training.validation import Validation

OPTIMISER_FILE = "optimiser.pt"
LONGEST_WARMUP = 0.1
"""Share of a run that the warm-up takes at most."""
TELLING_SHARE = 0.1
"""Share of a run's minutes after which it is known how many steps they hold."""
CHOOSERS = {
    "parsers": ("mask_iou", "transition_error_frames"),
    "spatial": ("mask_iou",),
    "frames": (),
    "backdrop": ("mask_iou",),
    "regression": ("spearman", "r_l2_x100"),
    "everything": ("spearman", "mask_iou", "transition_error_frames"),
}
"""The best checkpoint is chosen by the first of these metrics that the validation split has the labels for."""


class TrainingError(ValueError):
    """Training cannot go on; the message says why, and what was kept."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended."""

    run: Path
    """The run's folder."""
    last: Path | None
    """The last checkpoint."""
    best: Path | None
    """The checkpoint that did best on the validation split."""
    step: int
    """Steps done."""
    stopped: bool
    """Whether it was asked to stop before its end; `resume` goes on."""
    chosen_by: str | None
    """The validation metric that `best` was chosen by."""
    best_value: float | None
    """Its value there."""


@dataclass
class Progress:
    """Where a run is; kept with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    chosen_by: str | None = None
    best_value: float | None = None
    best_step: int | None = None
    total_steps: int | None = None
    """Length of the run, once its time has told it."""

    def improves(self, measurements: list[Measurement], choosers: Sequence[str]) -> bool:
        """Takes note of a validation; whether it is the best so far by the first of the choosers that was measured."""
        found = {m.name: m for m in measurements if m.value is not None}
        if self.chosen_by is None:
            self.chosen_by = next((name for name in choosers if name in found), None)
        measured = found.get(self.chosen_by)
        if measured is None:
            return False
        sign = 1 if measured.higher_is_better else -1
        if self.best_value is not None and sign * measured.value <= sign * self.best_value:
            return False
        self.best_value, self.best_step = measured.value, self.step
        return True


class Trainer:
    """One run, from its first or its resumed step to its end.

    Args:
        validate: measures the model on the validation split; None where there is none, and the last checkpoint is
            then the best one.
        settle: changes the weights that the run ends with, before they are written; says by how much.
        on_record: is told every record of the log, for a display.
        should_stop: asked after every step, for a stop button.
    """

    def __init__(
        self,
        options: TrainOptions,
        model: FineParser,
        lesson: Lesson,
        run: Run,
        accelerator: Accelerator,
        *,
        validate: Validation | None = None,
        settle: Callable[[], float] | None = None,
        on_record: Callable[[dict], None] = lambda record: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.options, self.model, self.lesson, self.run, self.accelerator = options, model, lesson, run, accelerator
        self._validate, self._settle, self._on_record, self._asked_to_stop = validate, settle, on_record, should_stop
        self.progress = Progress()
        self._saved_at = 0.0
        self.epoch_steps = steps_per_epoch(
            len(lesson), batch_size=options.batch_size, processes=accelerator.num_processes
        )
        whole = self.epoch_steps * options.run_epochs
        self.total_steps = min(whole, options.max_steps or whole)
        learning = [
            group | {"params": [p for p in group["params"] if p.requires_grad]}
            for group in model.parameter_groups(options.i3d_rate)
        ]
        # What a lesson needs beside the model learns with it, but is no part of what comes out.
        beside = [p for name, p in lesson.network.named_parameters() if not name.startswith("model.")]
        learning.append({"name": "beside", "params": beside, "lr_factor": 1.0})
        self.optimiser = torch.optim.AdamW(
            [g for g in learning if g["params"]], lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self.averaged = None
        if options.averaged:
            self.averaged = AveragedModel(model, multi_avg_fn=warm_mean(options.averaged), use_buffers=True)
        if run.checkpoints.last is not None:
            self._load(run.checkpoints.last)
        elif accelerator.is_main_process:
            run.rewind(-1)  # killed before its first checkpoint, it starts again
        self.network, self.optimiser = accelerator.prepare(lesson.network, self.optimiser)

    def train(self) -> TrainResult:
        """Runs to the end, or until it is asked to stop; TrainingError where the loss is no longer a number."""
        hidden = not (self.options.progress and self.accelerator.is_main_process)
        bar = tqdm(total=self.total_steps, initial=self.progress.step, desc="training", unit="step", disable=hidden)
        begins_with_weights = self.options.checkpoint is not None and self.run.checkpoints.last is None
        # They stay the best ones until a step does better.
        if begins_with_weights and self._validate is not None and self._measure(epoch=-1):
            self._save(best=True)
        with StopSignals() as signals, bar:
            stopped = self._loop(bar, lambda: signals.asked or self._asked_to_stop())
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
        """Says something about the run, on the terminal and in the log."""
        if self.accelerator.is_main_process and self.options.progress:
            tqdm.write(text, file=sys.stderr)
        self._log("note", text=text)

    def _loop(self, bar: tqdm, should_stop: Callable[[], bool]) -> bool:
        options, progress = self.options, self.progress
        began = time.monotonic() - progress.seconds
        while progress.step < self.total_steps:
            epoch, first = divmod(progress.step, self.epoch_steps)
            plan = shares(
                len(self.lesson),
                batch_size=options.batch_size,
                seed=options.seed,
                epoch=epoch,
                processes=self.accelerator.num_processes,
                process=self.accelerator.process_index,
                first_step=first,
            )[: self.total_steps - progress.step]
            batches = self.lesson.batches(epoch, [share.indices for share in plan])
            self.network.train()
            for share, batch in zip(plan, batches, strict=True):
                record, stop = self._step(batch, share.counted, should_stop())
                progress.step += 1
                progress.seconds = time.monotonic() - began
                self._fit_to_time()
                self._log("train", epoch=epoch, **record, seconds=round(progress.seconds, 3))
                bar.update()
                bar.set_postfix(loss=f"{record['total']:.3g}")
                at_end = progress.step == self.total_steps or every(progress.step, self.epoch_steps)
                if not at_end and (stop or every(progress.step, options.checkpoint_every or 0)):
                    self._save(best=False)
                if at_end:
                    self._end_epoch(epoch, stop)
                if stop:
                    return progress.step < self.total_steps
                if progress.step == self.total_steps:
                    break
        return False

    @property
    def warmup_steps(self) -> int:
        """Steps of linear climb."""
        climb = round(self.options.warmup_epochs * self.epoch_steps)
        return min(climb, int(LONGEST_WARMUP * self.total_steps))

    def _fit_to_time(self) -> None:
        """Shortens the run to the steps that its time allows, as soon as a part of that time has told how many."""
        limit, progress = 60 * (self.options.minutes or math.inf), self.progress
        if progress.total_steps is None and progress.seconds >= TELLING_SHARE * limit:
            progress.total_steps = max(progress.step, int(progress.step * limit / progress.seconds))
            self.total_steps = min(self.total_steps, progress.total_steps)

    def _step(self, batch: object, counted: bool, stop: bool) -> tuple[dict, bool]:
        """One step of the optimiser; the losses of all processes together, and whether any of them is to stop."""
        options, step = self.options, self.progress.step
        torch.manual_seed(options.seed * 1_000_003 + step)
        factor = learning_rate_factor(step, warmup_steps=self.warmup_steps, total_steps=self.total_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = options.learning_rate * group["lr_factor"] * factor
        forced = step < options.teacher_forcing * self.total_steps
        losses = self.lesson.losses(self.network, batch, counted, forced, self._mean)
        self.optimiser.zero_grad()
        self.accelerator.backward(losses.total)
        longest = options.max_gradient_norm or math.inf
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, longest)
        hints = losses.total.new_zeros(()) if losses.hints is None else losses.hints
        parts = torch.stack([losses.total, losses.score, losses.transition, losses.mask, hints]).detach()
        stop_flag = parts.new_tensor([float(stop)])
        *values, norm, stop_share = self._mean(torch.cat([parts, norm.reshape(1), stop_flag])).tolist()
        record = dict(zip(("total", "score", "transition", "mask", "hints"), values, strict=True))
        if losses.hints is None:
            del record["hints"]
        if not all(map(math.isfinite, [*values, norm])):
            self._refuse(record, norm)
        self.optimiser.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        return record | {"gradient_norm": norm, "learning_rate": options.learning_rate * factor}, stop_share > 0

    def _refuse(self, record: dict[str, float], norm: float) -> None:
        kept = self.run.checkpoints.last
        raise TrainingError(
            f"in step {self.progress.step + 1} the loss is no longer a number: "
            f"{', '.join(f'{name} {value:g}' for name, value in record.items())}, gradient {norm:g}. "
            + (f"The last good checkpoint, {kept.name}, is kept" if kept else "There is no checkpoint yet")
            + ". Try a lower learning rate, a longer warm-up or max_gradient_norm, and look at the data of this step"
        )

    def _end_epoch(self, epoch: int, stop: bool) -> None:
        """Validates where that is due, and saves."""
        best = self._validate is None
        is_last = self.progress.step == self.total_steps
        if self._validate is not None and (every(epoch + 1, self.options.validate_every) or is_last):
            best = self._measure(epoch)
        is_due = self.progress.seconds - self._saved_at >= self.options.checkpoint_seconds
        # Every process has to come to the same answer: their clocks differ, so several write every time.
        if best or is_last or stop or is_due or self.accelerator.num_processes > 1:
            self._save(best)
        self.network.train()

    def _measure(self, epoch: int) -> bool:
        """Validates the weights as they would be saved; whether they are the best so far."""
        with self._averages_shown():
            validated = self._validate()
        choosers = (*filter(None, [self.options.choose_by]), *CHOOSERS[self.options.train])
        best = self.progress.improves(validated.measurements, choosers)
        found = [m for m in validated.measurements if m.value is not None]
        self._log(
            "validation",
            epoch=epoch,
            best=best,
            **{m.name: m.value for m in found},
            intervals={m.name: [m.low, m.high] for m in found if m.low is not None},
            dives=validated.dives,
        )
        return best

    def _save(self, best: bool) -> None:
        self.accelerator.wait_for_everyone()
        self._saved_at = self.progress.seconds
        if not self.accelerator.is_main_process:
            return

        def write(folder: Path) -> None:
            state = {"optimiser": self.optimiser.state_dict(), "beside": self._beside()}
            if self.averaged is not None:
                state["weights"] = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
                state["averages"] = self.averaged.n_averaged
            with self._averages_shown():
                if self._settle is not None and self.progress.step == self.total_steps:
                    self._log("settled", by=self._settle())
                self.model.save_pretrained(folder)
            torch.save(state, folder / OPTIMISER_FILE)

        self.run.save(self.progress.step, vars(self.progress).copy(), write, best=best)

    def _load(self, checkpoint: Path) -> None:
        """Puts model, optimiser and progress back to where a checkpoint left them."""
        self.progress = Progress(**read_state(checkpoint))
        self.total_steps = min(self.total_steps, self.progress.total_steps or self.total_steps)
        weights = FineParser.from_pretrained(checkpoint).state_dict()
        state = torch.load(checkpoint / OPTIMISER_FILE, map_location="cpu", weights_only=True)
        if self.averaged is not None:
            self.averaged.module.load_state_dict(weights)
            self.averaged.n_averaged.copy_(state["averages"])
        self.model.load_state_dict(state.get("weights", weights))
        self.lesson.network.load_state_dict(state["beside"], strict=False)
        self.optimiser.load_state_dict(state["optimiser"])
        if self.accelerator.is_main_process:
            self.run.rewind(self.progress.step)

    def _beside(self) -> dict[str, Tensor]:
        """What learns with the model and is no part of it."""
        state = self.lesson.network.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith("model.")}

    @contextmanager
    def _averages_shown(self) -> Iterator[None]:
        """Inside, the model has the averaged weights, where they are averaged."""
        if self.averaged is None:
            yield
            return
        learning = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.model.load_state_dict(self.averaged.module.state_dict())
        try:
            yield
        finally:
            self.model.load_state_dict(learning)

    def _log(self, kind: str, **values: object) -> None:
        if self.accelerator.is_main_process:
            self.run.log(kind, self.progress.step, **values)
            self._on_record({"kind": kind, "step": self.progress.step, "steps": self.total_steps, **values})

    def _mean(self, tensor: Tensor) -> Tensor:
        return self.accelerator.reduce(tensor, reduction="mean")


def warm_mean(kept: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """A running mean that keeps a share of itself a step: less in the first ones, so that a beginning is forgotten.

    It is taken of many tensors of one kind at once, in place: one by one, a network's hundreds took a seventh of a
    step. Whole numbers, which count, are copied.
    """

    def update(means: list[Tensor], values: list[Tensor], count: Tensor) -> None:
        share = min(kept, (1 + int(count)) / (10 + int(count)))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, values, 1 - share)
        else:
            torch._foreach_copy_(means, values)

    return update


class StopSignals:
    """Lets Ctrl-C (and a scheduler's SIGTERM) ask for a stop after the step at hand; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():  # no other thread can have handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        print("\nstopping after this step, with a checkpoint; once more stops at once", file=sys.stderr)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
