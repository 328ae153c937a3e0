"""Scores of dives that judges have scored: the whole path of the app against simple baselines.

Each clip is analysed like any clip, trim and crop included, and its predicted mean award is compared with the judges'.
A dive without a predicted score is listed, and left out of every row of the table, so that all rows are about the same
dives.
"""

import copy
import csv
import functools
import hashlib
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.analysis.analyser import AnalysisOptions, DiveAnalyser
from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.report import DiveReport
from fineparser.analysis.score_statistics import (
    AWARD_DIGITS,
    METHODS,
    NUMBER_MEAN,
    PREDICTION,
    STANDARD_MEAN,
    VOTES,
    AwardRange,
    DivePrediction,
    Value,
    correlation,
    method_statistics,
)
from fineparser.atomic import atomic_write_text
from fineparser.data.clip_files import FileFrames
from fineparser.data.dives import Dive
from fineparser.domain.judging import COUNTED_AWARDS, HIGHEST_AWARD, total_score
from fineparser.domain.standards import Standard, award_distribution, standard_shares
from fineparser.exemplars.exemplar import DiveSpec, ScoredDive
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.exemplars.selection import SOURCES, ExemplarSelection
from fineparser.exemplars.user_exemplars import UserExemplars
from fineparser.scoring.award_model import AwardModel
from fineparser.video.info import VideoError

CODE_PACKAGES = ("analysis", "data", "domain", "exemplars", "kinematics", "model", "scoring", "simulator", "video")
"""Packages whose code and data files decide a predicted score, besides the weights."""
CODE_SUFFIXES = (".py", ".json", ".csv")


@dataclass(frozen=True, kw_only=True)
class JudgingPanel:
    """Linear scale of another panel's awards relative to the simulated panel's."""

    slope: float = 1.3
    """Spread of the awards about `middle`, relative to the simulated panel's."""
    middle: float = 6.5
    """Award about which the panel spreads, 0-10."""
    offset: float = -1.0
    """Award of the panel minus that of the simulated panel, at `middle`."""

    def award(self, award: float) -> float:
        """One award, 0 to 10 in halves; a failed dive stays failed.

        >>> JudgingPanel().award(6.5), JudgingPanel().award(8.5), JudgingPanel().award(0.0)
        (5.5, 8.0, 0.0)
        """
        if award == 0.0:
            return 0.0
        return float(np.clip(round(2 * float(self.mean_award(award))) / 2, 0.5, HIGHEST_AWARD))

    def mean_award(self, award: np.ndarray | float) -> np.ndarray:
        """Mean awards, 0 to 10."""
        return np.clip(self.middle + self.slope * (award - self.middle) + self.offset, 0.0, HIGHEST_AWARD)


@dataclass(frozen=True, kw_only=True)
class ScoreEvaluationOptions:
    """How scored clips are analysed, for the table of scores."""

    standard: Standard | None = None
    """Standard of competition of all dives whose table states none: international, national or club. None: the
    prediction is made without one, and the baselines take the most frequent one of the dive number and height."""
    trim: str = "automatic"
    """"automatic" finds the dive in the clip as the app does; "given" takes start_frame and end_frame of the table."""
    panel: tuple[float, float] | None = None
    """OFFSET and SLOPE of another panel of judges: awards are spread SLOPE times as far about 6.5 and moved by
    OFFSET."""
    calibrate: int = 0
    """Let the first so many dives be judged dives of the user; they calibrate the scores of the others and are not in
    the table."""
    votes: bool = True
    """Also let exemplars vote on each dive, as before version 0.4, which takes a second pass of the network."""
    fresh: bool = False
    """Analyse every clip again rather than go on from the results of an earlier run with the same options."""

    def __post_init__(self) -> None:
        if self.trim not in ("automatic", "given"):
            raise ValueError(f"trim is automatic or given, not {self.trim!r}")
        if self.calibrate < 0:
            raise ValueError(f"the number of judged dives to calibrate with is 0 or more, not {self.calibrate}")
        if self.panel is not None and not self.panel[1] > 0:
            raise ValueError(f"the slope of a panel is above 0, not {self.panel[1]:g}")

    @property
    def judging_panel(self) -> JudgingPanel | None:
        """The other panel; None: the judges who scored the dives."""
        return None if self.panel is None else JudgingPanel(offset=self.panel[0], slope=self.panel[1])


@dataclass(frozen=True, kw_only=True)
class ScoredClip:
    """Clip of a dive that judges have scored."""

    name: str
    """Unique among the clips."""
    source: str
    """Recording or event; dives are ranked within theirs."""
    spec: DiveSpec
    score: float
    """Points."""
    awards: tuple[float, ...] | None = None
    """Awards of the judges; None where only the score is known."""
    standard: Standard | None = None
    """Standard of competition; None: not stated."""
    first: int
    last: int
    """First and last frame of the dive."""
    is_shared: bool = False
    """True if other dives are in the same clip: the trim is the given one, since another dive could be found."""
    is_simulated: bool = False
    """True for a simulated recording, to which the step to real ones does not apply."""
    file_name: str
    """Name of the clip's file."""
    file: Callable[[Path], Path]
    """Path of the clip; one that is not on disk yet is written into the folder that it is called with."""

    @classmethod
    def from_dives(cls, dives: Iterable[Dive]) -> "list[ScoredClip]":
        """Those dives of a clip folder whose number, height and score are known."""
        paths = [(dive, dive.frames.clip) for dive in dives if isinstance(dive.frames, FileFrames)]
        count = Counter(path for _, path in paths)
        return [
            cls(
                name=dive.id,
                source=dive.origin,
                spec=spec,
                score=dive.score,
                awards=dive.awards,
                standard=dive.standard,
                first=dive.first_frame,
                last=dive.last_frame,
                is_shared=count[path] > 1,
                file_name=path.name,
                file=functools.partial(_existing, path),
            )
            for dive, path in paths
            if dive.score is not None
            and (spec := DiveSpec.from_input(dive.code, dive.height, dive.difficulty)) is not None
        ]

    def award(self, panel: JudgingPanel | None = None) -> float:
        """Mean award, 0 to 10: of the judges, or as another panel would give it."""
        points_per_award = COUNTED_AWARDS * self.spec.difficulty
        if panel is None:
            return self.score / points_per_award
        if self.awards is None:
            return float(panel.mean_award(self.score / points_per_award))
        return total_score([panel.award(award) for award in self.awards], self.spec.difficulty) / points_per_award


def _existing(path: Path, folder: Path) -> Path:
    return path


@dataclass(frozen=True)
class ScoreEvaluation:
    """Predicted and given awards of some dives."""

    options: ScoreEvaluationOptions
    weights: dict[str, Any]
    """Name and fingerprint of the weights, and the data they were trained on."""
    predictions: tuple[DivePrediction, ...]
    calibrated_on: tuple[str, ...] = ()
    """Names of the dives that calibrated the scores."""
    resamples: int = 1000
    """Bootstrap resamples behind each interval; 0 leaves the intervals out."""
    seed: int = 0

    @property
    def scored(self) -> tuple[DivePrediction, ...]:
        """Dives with a predicted score."""
        return tuple(one for one in self.predictions if PREDICTION in one.ranges)

    @property
    def missing(self) -> tuple[DivePrediction, ...]:
        """Dives without one."""
        return tuple(one for one in self.predictions if PREDICTION not in one.ranges)

    @functools.cached_property
    def statistics(self) -> dict[str, dict[str, Value]]:
        """Statistics by method and name, see `method_statistics`; methods that predicted no dive are left out."""
        return {
            method: method_statistics(dives, method, self.resamples, self.seed)
            for method in METHODS
            if (dives := [one for one in self.scored if method in one.ranges])
        }

    @functools.cached_property
    def by_source(self) -> dict[str, dict[str, Value]]:
        """Spearman's correlation by source and method, for sources of several dives."""
        counts = Counter(one.source for one in self.scored)
        values: dict[str, dict[str, Value]] = {}
        for source in sorted(source for source, count in counts.items() if count > 1):
            for method in self.statistics:
                dives = [one for one in self.scored if one.source == source and method in one.ranges]
                if len(dives) > 1:
                    values.setdefault(source, {})[method] = correlation(dives, method, self.resamples, self.seed)
        return values

    def to_json(self) -> dict[str, Any]:
        """Plain values: options, weights, statistics and dives."""
        return {
            "options": asdict(self.options),
            "weights": self.weights,
            "dives": len(self.predictions),
            "scored": len(self.scored),
            "missing": {one.clip: one.reason for one in self.missing},
            "left_out": [one.clip for one in self.predictions if one.is_left_out],
            "calibrated_on": list(self.calibrated_on),
            "nominal_coverage": NOMINAL_COVERAGE,
            "statistics": {
                method: {name: asdict(value) for name, value in values.items()}
                for method, values in self.statistics.items()
            },
            "spearman_by_source": {
                source: {method: asdict(value) for method, value in values.items()}
                for source, values in self.by_source.items()
            },
            "predictions": [asdict(one) for one in self.predictions],
        }

    def table(self) -> str:
        """Statistics, correlations within each source, and dives without a score, for a terminal."""
        scored, sources = self.scored, Counter(one.source for one in self.scored)
        shown = list(sources.items())[:6]
        of = ", ".join(f"{count} {source or 'without a source'}" for source, count in shown)
        rest = "" if len(shown) == len(sources) else f" and {len(sources) - len(shown)} more sources"
        lines = [f"{len(self.predictions)} scored dives, {len(scored)} with a prediction: {of}{rest}"]
        if self.statistics:
            names = (
                "RMSE, awards",
                "bias",
                "Spearman within sources",
                "of all",
                "R-l2 x100",
                f"inside {NOMINAL_COVERAGE:.0%}",
            )
            header: tuple[str, ...] = ("", "dives", *names)
            keys = ("rmse", "bias", "spearman_within", "spearman", "r_l2_x100", "coverage")
            rows: list[tuple[str, ...]] = [
                (METHODS[method], f"{values['dives'].value:.0f}", *(values[key].text() for key in keys))
                for method, values in self.statistics.items()
            ]
            lines += ["", *_aligned([header, *rows])]
        if len(self.by_source) > 1:
            header = ("Spearman", *(f"{source or '-'} ({sources[source]})" for source in self.by_source))
            rows = [
                (METHODS[method], *(one[method].text() if method in one else "-" for one in self.by_source.values()))
                for method in self.statistics
            ]
            lines += ["", *_aligned([header, *rows])]
        lines += ["", *self._notes()] if self._notes() else []
        return "\n".join(lines)

    def _notes(self) -> list[str]:
        notes = []
        if left_out := sum(one.is_left_out for one in self.predictions):
            notes.append(
                f"leave-one-out: the step to real recordings was fitted on {left_out} of these dives; each of them is "
                "predicted with what was fitted on the others"
            )
        if (panel := self.options.judging_panel) is not None:
            notes.append(
                f"awards of another panel: {panel.slope:g} times as far from {panel.middle:g}, moved by "
                f"{panel.offset:g}"
            )
        if self.calibrated_on:
            notes.append(f"calibrated on {len(self.calibrated_on)} judged dives that are not in the table")
        unstated = sum(not one.is_standard_stated for one in self.predictions)
        if unstated and unstated == len(self.predictions):
            notes.append("no standard of competition is stated: baselines take the most frequent one of the dive")
        elif unstated:
            notes.append(f"no standard of competition is stated of {unstated} dives: baselines take the most frequent")
        if little := sum(one.is_uninformative for one in self.scored):
            notes.append(f"of {little} dives the report says that the clip tells little about the score")
        notes += [f"no score: {one.clip} ({one.reason})" for one in self.missing]
        return notes

    def save(self, out: Path) -> tuple[Path, Path]:
        """Write `out` with ".scores" before its suffix, .json and .csv; return both paths."""
        path, table = out.with_suffix(".scores.json"), out.with_suffix(".scores.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [_row(one) for one in self.predictions]
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["clip"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        atomic_write_text(table, text.getvalue())
        atomic_write_text(path, json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n")
        return path, table


def _row(one: DivePrediction) -> dict[str, str]:
    """Columns of the CSV; unknown values are empty."""
    prediction = one.ranges.get(PREDICTION)
    points = COUNTED_AWARDS * one.difficulty
    return {
        "clip": one.clip,
        "source": one.source,
        "dive_code": one.code,
        "height": f"{one.height:g}",
        "difficulty": f"{one.difficulty:g}",
        "standard": one.standard,
        "standard_stated": "yes" if one.is_standard_stated else "no",
        "score": f"{one.award * points:.2f}",
        "award": f"{one.award:.3f}",
        "predicted_score": "" if prediction is None else f"{prediction.award * points:.2f}",
        "predicted_award": "" if prediction is None else f"{prediction.award:.3f}",
        f"low_{NOMINAL_COVERAGE:.0%}": "" if prediction is None else f"{prediction.low:.3f}",
        f"high_{NOMINAL_COVERAGE:.0%}": "" if prediction is None else f"{prediction.high:.3f}",
        **{
            f"{method}_award": f"{one.ranges[method].award:.3f}" if method in one.ranges else ""
            for method in METHODS
            if method != PREDICTION
        },
        "left_out": "yes" if one.is_left_out else "no",
        "is_uninformative": "yes" if one.is_uninformative else "no",
        "reason": one.reason,
    }


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def evaluate_scores(
    analyser: DiveAnalyser,
    clips: Iterable[ScoredClip],
    options: ScoreEvaluationOptions,
    folder: Path,
    *,
    report: Callable[[str], None] = lambda line: None,
    resamples: int = 1000,
    seed: int = 0,
) -> ScoreEvaluation:
    """Analyse scored clips and compare their predicted awards with those of the judges.

    Args:
        analyser: with trained weights.
        clips: at least one more than `options.calibrate`.
        options: of the analyses.
        folder: of the results of each dive, from which a later run with the same options goes on, of the judged dives,
            and of clips that are not on disk yet.
        report: called with a line for each dive. A run that is interrupted ends with the dives so far.
        resamples, seed: of the bootstrap.

    Raises:
        ValueError: for too few clips.
        BankError: for judged dives that cannot be used.
    """
    run = _Run(analyser, options, folder, report)
    waiting = iter(clips)
    judged = list(itertools.islice(waiting, options.calibrate))
    if judged:
        run.calibrate(judged)
    predictions: list[DivePrediction] = []
    try:
        predictions.extend(map(run.predict, waiting))
    except KeyboardInterrupt:
        if not predictions:
            raise
        report(f"stopped; dives in the table: {len(predictions)}")
    if not predictions:
        raise ValueError("there is no scored dive to predict: a scored dive has a dive number, a height and a score")
    run.report_cache(len(predictions))
    provenance = analyser.model.provenance
    return ScoreEvaluation(
        options=options,
        weights={"name": provenance.name, "trained_on": provenance.trained_on, "fingerprint": analyser.fingerprint()},
        predictions=tuple(predictions),
        calibrated_on=tuple(clip.name for clip in judged),
        resamples=resamples,
        seed=seed,
    )


class _Run:
    """Analyses of the clips of one evaluation, with the results of an earlier one."""

    def __init__(
        self, analyser: DiveAnalyser, options: ScoreEvaluationOptions, folder: Path, report: Callable[[str], None]
    ) -> None:
        analyser.prepare()  # before it is copied
        self.analyser = analyser
        self.voting = None
        if options.votes and analyser.judges_measurements:
            self.voting = _VotingAnalyser(analyser.model, analyser.bank)
            self.voting.network = analyser.network
        self.options = options
        self.folder = folder
        self.report = report
        self.code = code_digest()
        self.judged: list[tuple[str, float, Standard | None]] = []
        self.selection: ExemplarSelection | None = None
        self.cached = self.cached_of_other_code = 0
        (folder / "dives").mkdir(parents=True, exist_ok=True)

    def calibrate(self, clips: Sequence[ScoredClip]) -> None:
        """Make scored clips judged dives of the user, as if added in the app; those added before stay."""
        panel = self.options.judging_panel
        self.judged = [
            (clip.name, round(clip.award(panel), AWARD_DIGITS), self._stated_standard(clip)) for clip in clips
        ]
        folder = self.folder / f"judged-{_digest(json.dumps(self.judged).encode())}"
        exemplars = UserExemplars(folder, max_exemplars=len(clips))
        added = {one.name for one in exemplars.dives()}
        for number, clip in enumerate(clips, 1):
            if clip.name in added:
                continue
            score = clip.award(panel) * COUNTED_AWARDS * clip.spec.difficulty
            first, last = self._trim(clip)
            dive = ScoredDive(clip.spec, score, standard=self._stated_standard(clip))
            exemplars.add(self.analyser, clip.file(self.folder), dive, first=first, last=last, name=clip.name)
            self.report(f"judged dive {number} of {len(clips)}: {clip.name}")
        self.selection = ExemplarSelection.from_sources(SOURCES, self.analyser.bank, exemplars, self.analyser)

    def predict(self, clip: ScoredClip) -> DivePrediction:
        """Analyse a clip, unless it was analysed before with the same options."""
        settings = self._settings(clip)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", clip.name)
        file = self.folder / "dives" / f"{name}-{_digest(json.dumps(settings).encode())}.json"
        if not self.options.fresh and (cached := self._cached(file)) is not None:
            return cached
        prediction = self._analyse(clip)
        values = {"settings": settings, "code": self.code, "prediction": asdict(prediction)}
        atomic_write_text(file, json.dumps(values, indent=1) + "\n")
        predicted = prediction.ranges.get(PREDICTION)
        found = f"no score ({prediction.reason})" if predicted is None else f"{predicted.award:.2f}"
        self.report(f"{clip.name}: judges {prediction.award:.2f}, predicted {found}")
        return prediction

    def report_cache(self, count: int) -> None:
        """Report how many dives were taken from an earlier run."""
        if self.cached:
            other = f", {self.cached_of_other_code} of them by other code" if self.cached_of_other_code else ""
            self.report(f"{self.cached} of {count} dives from {self.folder}{other}: --fresh analyses them again")

    def _cached(self, file: Path) -> DivePrediction | None:
        """Prediction in a file; None without one that can be read."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            prediction = DivePrediction.from_json(values["prediction"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.cached += 1
        self.cached_of_other_code += values.get("code") != self.code
        return prediction

    def _settings(self, clip: ScoredClip) -> dict[str, Any]:
        """Everything that decides a prediction, besides the code."""
        model = self._award_model(clip)
        return {
            "weights": self.analyser.fingerprint(),
            "award_model": None if model is None else _digest(json.dumps(model.to_json()).encode()),
            "dive": [clip.name, str(clip.spec.code), clip.spec.height, clip.spec.difficulty, clip.source],
            "award": round(clip.award(self.options.judging_panel), AWARD_DIGITS),
            "standard": self._stated_standard(clip),
            "trim": list(self._trim(clip)),
            "judged": [list(one) for one in self.judged],
            "votes": self.options.votes,
        }

    def _stated_standard(self, clip: ScoredClip) -> Standard | None:
        return clip.standard or self.options.standard

    def _trim(self, clip: ScoredClip) -> tuple[int | None, int | None]:
        """First and last frame; None for those that the analyser finds."""
        return (clip.first, clip.last) if self.options.trim == "given" or clip.is_shared else (None, None)

    def _award_model(self, clip: ScoredClip) -> AwardModel | None:
        """Model without what was fitted on the clip; None for weights whose exemplars vote."""
        if not self.analyser.judges_measurements:
            return None
        model = self.analyser.award_model
        return model.for_simulated() if clip.is_simulated else model.without(clip.file_name)

    def _is_left_out(self, clip: ScoredClip) -> bool:
        if clip.is_simulated or not self.analyser.judges_measurements:
            return False
        step = self.analyser.award_model.step
        return clip.file_name in {*step.deviations, *step.errors}

    def _analyse(self, clip: ScoredClip) -> DivePrediction:
        """Predicted awards of a clip; without those of the analyses where it cannot be analysed."""
        ranges, is_uninformative, reason = {}, False, ""
        try:
            file = clip.file(self.folder)
            proposal = self.analyser.propose(file, *self._trim(clip))
            report = self._report(clip, file, proposal)
            predicted = AwardRange.from_report(report)
            if predicted is None:
                reason = ", ".join(one.code for one in report.no_score) or "no exemplars"
            else:
                ranges[PREDICTION] = predicted
            is_uninformative = report.judgement is not None and report.judgement.is_uninformative
            if report.judgement is not None and self.voting is not None:
                options = self._options(clip, proposal)
                voted = AwardRange.from_report(self.voting.analyse(file, clip.spec.code, clip.spec.height, options))
                ranges |= {} if voted is None else {VOTES: voted}
        except VideoError as error:
            reason = str(error)
        spec, stated = clip.spec, self._stated_standard(clip)
        shares = standard_shares(spec.code, spec.height)
        standard = stated or max(shares, key=lambda one: shares[one])
        ranges[STANDARD_MEAN] = AwardRange.from_distribution(award_distribution(standard))
        ranges[NUMBER_MEAN] = AwardRange.from_distribution(award_distribution(standard, spec.code, spec.height))
        return DivePrediction(
            clip=clip.name,
            source=clip.source,
            code=str(spec.code),
            height=spec.height,
            difficulty=spec.difficulty,
            award=clip.award(self.options.judging_panel),
            standard=standard.value,
            is_standard_stated=stated is not None,
            ranges=ranges,
            is_left_out=self._is_left_out(clip),
            is_uninformative=is_uninformative,
            reason=reason,
        )

    def _report(self, clip: ScoredClip, file: Path, proposal: TrimProposal) -> DiveReport:
        """Report of a clip, by an award model that was not fitted on it."""
        analyser, model = copy.copy(self.analyser), self._award_model(clip)
        if model is not None:
            analyser.award_model = model
        options = replace(self._options(clip, proposal), selection=self.selection)
        return analyser.analyse(file, clip.spec.code, clip.spec.height, options)

    def _options(self, clip: ScoredClip, proposal: TrimProposal) -> AnalysisOptions:
        standard = self._stated_standard(clip)
        return AnalysisOptions(difficulty=clip.spec.difficulty, proposal=proposal, standard=standard)


class _VotingAnalyser(DiveAnalyser):
    """Analyser whose exemplars vote, also with weights that judge measurements."""

    @property
    def judges_measurements(self) -> bool:
        return False


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def code_digest(packages: Iterable[str] = CODE_PACKAGES) -> str:
    """Digest of the code and the data files of some packages."""
    root = Path(__file__).parents[1]
    paths = sorted(path for name in packages for path in (root / name).rglob("*") if path.suffix in CODE_SUFFIXES)
    return _digest(b"".join(path.relative_to(root).as_posix().encode() + path.read_bytes() for path in paths))
