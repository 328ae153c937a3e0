"""Sentences for people: warnings, notes and reasons by their code, and the scale of a score.

Packages below `rendering` return numbers and `QualityWarning` codes; everything that a person reads is written here.
To add a warning, add its code to `MESSAGES`: the keys in braces are its values. A sentence that depends on more than
the formatting of its values is a function of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist, fmean
from typing import Any

from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.dive_segments import DiveSegment
from fineparser.analysis.report import DiveReport
from fineparser.data.exemplar_pool import NEAREST_NUMBER, SAME_NUMBER
from fineparser.domain.judging import HIGHEST_AWARD
from fineparser.domain.phases import Phase
from fineparser.domain.rules import format_halves
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import SIMULATED
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.exemplars.voting_result import Vote
from fineparser.quality_warning import QualityWarning
from fineparser.scoring import Judgement
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES, JudgeComparison

Values = Mapping[str, Any]
Template = str | Callable[[Values], str]


def message(warning: QualityWarning) -> str:
    """The sentence for a warning or note.

    >>> message(QualityWarning("low_frame_count", {"frames": 30, "needed": 96}))
    'The clip has only 30 frames, and the network needs 96: frames are repeated.'

    Raises:
        KeyError: for a code without a sentence, or a value that its sentence mentions and the warning lacks.
    """
    template = MESSAGES[warning.code]
    return template.format(**warning.values) if isinstance(template, str) else template(warning.values)


def plural(count: int, noun: str) -> str:
    """A number with its noun.

    >>> plural(1, "vote"), plural(3, "vote")
    ('1 vote', '3 votes')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _frames(numbers: tuple[int, ...]) -> str:
    return f"frame{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def _cut_inside(values: Values) -> str:
    return f"The clip cuts to another shot at {_frames(values['cuts'])}: trim it to a single shot."


def _one_shot(values: Values) -> str:
    return (
        f"The clip cuts to another shot at {_frames(values['cuts'])}. Only one shot was analysed, "
        f"frames {values['first']} to {values['last']}."
    )


def _frames_left_out(values: Values) -> str:
    parts = [f"{plural(values[side], 'frame')} {side} the dive" for side in ("before", "after") if values[side]]
    return f"Trimmed: {' and '.join(parts)}."


def _interval_from_votes(values: Values) -> str:
    votes = plural(values["votes"], "vote")
    return f"The range is the middle {NOMINAL_COVERAGE:.0%} of {votes}: how far they differ, not how far off they are."


def _interval_from_scores(values: Values) -> str:
    kind = "simulated test dives" if values["source"] == SIMULATED else f"dives of {values['source']}"
    phases = ", and so was the true contribution of each phase" if values["phases"] else ""
    return f"For {values['dives']} {kind} the true score was inside this range {_in_ten()}{phases}."


def _user_exemplars_encoded(values: Values) -> str:
    verb = "was" if values["count"] == 1 else "were"
    return f"{plural(values['count'], 'exemplar')} of yours {verb} encoded for these weights."


def _scale_judges(values: Values) -> str:
    return f"Calibrated to your judges, who {judges_description(values['offset'])}."


def _number_rotation(values: Values) -> str:
    measured, expected = (_somersaults(values[name]) for name in ("seen", "given"))
    return f"The dive looks like about {measured}, and {values['code']} has {expected}: check the dive number."


def _number_twists(values: Values) -> str:
    if not values["given"]:
        return f"The diver seems to twist, and {values['code']} has no twist: check the dive number."
    twists = f"{format_halves(values['given'])} twist{'s' if values['given'] > 2 else ''}"
    return f"No twist is seen in the flight, and {values['code']} has {twists}: check the dive number."


def _number_direction(values: Values) -> str:
    measured, expected = (
        f"{'an' if direction == 'inward' else 'a'} {direction}" for direction in (values["seen"], values["given"])
    )
    return f"The dive looks like {measured} dive, and {values['code']} is {expected} dive: check the dive number."


def _number_start(values: Values) -> str:
    start, expected = "from an armstand", "on the feet"
    if values["seen"] != "armstand":
        start, expected = expected, start
    return f"The dive starts {start}, and {values['code']} starts {expected}: check the dive number."


def _somersaults(half_somersaults: int) -> str:
    if half_somersaults == 1:
        return "half a somersault"
    if half_somersaults == 0:
        return "no somersault"
    return f"{format_halves(half_somersaults)} somersault{'s' if half_somersaults > 2 else ''}"


def _in_ten() -> str:
    return f"{10 * NOMINAL_COVERAGE:.0f} times in 10"


def sentence(text: str) -> str:
    """The text with a capital letter.

    >>> sentence("the bank is empty.")
    'The bank is empty.'
    """
    return f"{text[:1].upper()}{text[1:]}"


def judges_description(offset: float) -> str:
    """Difference of judges from simulated ones, a predicate of "your judges".

    Args:
        offset: of a `JudgeCalibration`, awards.

    >>> judges_description(-1.04), judges_description(0.04)
    ('give 1.0 awards less than simulated judges', 'give the same awards as simulated judges')
    """
    size = f"{abs(offset):.1f}"
    if size == "0.0":
        return "give the same awards as simulated judges"
    return f"give {size} awards {'more' if offset >= 0 else 'less'} than simulated judges"


FAULT_SUBJECTS = {
    "low": "height",
    "lean": "lean at the take-off",
    "distance": "distance from the board",
    "loose": "a tight pike or tuck",
    "bent_knees": "straight knees",
    "split_legs": "legs together",
    "unpointed": "pointed toes",
    "late": "an early opening",
    "entry": "short and over entries",
    "twist": "the twist",
    "crooked": "dives off line",
    "wobble": "a steady armstand",
    "splash": "the splash",
    "bent_entry": "straight hips at the entry",
}
"""What judges look at, by the fault."""

LEAST_WEIGHT_CHANGE = 0.15
"""Deviation of a weight from 1 below which judges are said to weigh a fault as simulated judges do."""
MOST_WEIGHTS = 3
"""Faults that are named, of those that judges weigh more and of those that they weigh less."""


def judge_weights_message(weights: Mapping[str, float]) -> str:
    """The faults that judges weigh more or less than simulated ones; empty if there are none.

    >>> judge_weights_message({"splash": 1.52, "entry": 0.7, "low": 1.1})
    'They weigh more: the splash (1.5 times). They weigh less: short and over entries (0.7 times).'
    """
    texts = []
    for word, sign in (("more", 1), ("less", -1)):
        changes = {name: sign * (weight - 1) for name, weight in weights.items()}
        names = sorted((name for name in changes if changes[name] >= LEAST_WEIGHT_CHANGE), key=lambda n: -changes[n])
        faults = [f"{FAULT_SUBJECTS[name]} ({weights[name]:.1f} times)" for name in names[:MOST_WEIGHTS]]
        texts += [f"They weigh {word}: {', '.join(faults)}."] if faults else []
    return " ".join(texts)


def judge_comparison_message(comparison: JudgeComparison) -> str:
    """Summary of what the judged dives of a user show about their judges."""
    count, judges = len(comparison.dives), comparison.calibration
    if judges is None:
        return (
            f"{plural(count, 'dive')} of yours {'is' if count == 1 else 'are'} judged and measured. From "
            f"{MIN_SCORED_DIVES} such dives on, scores are calibrated to your judges."
        )
    given = [one.mean_award for one in comparison.dives]
    before, after = (
        math.sqrt(fmean((one - true) ** 2 for one, true in zip(awards, given, strict=True)))
        for awards in (comparison.predicted, comparison.calibrated)
    )
    texts = [
        f"In {plural(count, 'dive')} your judges {judges_description(judges.offset)}.",
        judge_weights_message(judges.weights),
        f"Scores are calibrated to them. Predicted by the other dives, awards are off by {after:.1f} (root mean "
        f"square); by simulated judges, {before:.1f}.",
    ]
    return " ".join(filter(None, texts))


MESSAGES: dict[str, Template] = {
    # The clip (analysis.quality_checks, analysis.auto_trim).
    "cut_inside_trim": _cut_inside,
    "one_shot_used": _one_shot,
    "variable_frame_rate": "The frame rate varies: times are correct, speeds from frame to frame may not be.",
    "phone_slow_motion": "The clip is slow motion from a phone: the flight is measured in real time.",
    "low_frame_count": "The clip has only {frames} frames, and the network needs {needed}: frames are repeated.",
    "no_fall": "Nobody in the clip falls from a board to the water.",
    "diver_not_found": "The diver was not found in the frame: the centre of the frame was used.",
    # Reasons why there is no score (analysis.quality_checks).
    "no_diver": "No diver was found in the clip.",
    "no_transition": "The start of the {phase} was not found.",
    "ends_in_air": "The clip ends before the entry.",
    # The result (analysis.quality_checks).
    "empty_masks": "No diver was found inside the crop: check the trim and the crop.",
    "uncertain_transition": "The start of the {phase} is uncertain (confidence {confidence:.2f} at frame {frame}).",
    "entry_missing": "No entry was found before the end of the trim: it may be cut off.",
    "slow_motion": (
        "The flight lasts {seconds:.1f} s, and a fall from {height:g} m takes {longest:.1f} s at most: "
        "the clip looks like slow motion, about {factor:.1f} times."
    ),
    "flight_too_short": (
        "The flight lasts {seconds:.1f} s, and a fall from {height:g} m takes {shortest:.1f} s at least: "
        "the clip is sped up, the height is wrong, or a transition is."
    ),
    # The dive number and the height (analysis.dive_number_check).
    "number_start": _number_start,
    "number_rotation": _number_rotation,
    "number_direction": _number_direction,
    "number_twists": _number_twists,
    "number_height": (
        "The diver falls about {metres:.0f} m in {seconds:.1f} s of flight, and a fall from {height:g} m takes "
        "{shortest:.1f} to {longest:.1f} s: check the height."
    ),
    # The analyser.
    "untrained_weights": (
        "The weights are untrained: masks, phases and score mean nothing. Train a network "
        "(python -m fineparser train) or choose another checkpoint."
    ),
    "bank_unusable": "The bundled exemplar bank cannot be used: {reason}.",
    "no_dive_number": "No score without a dive number and a height: masks and phases only.",
    # Notes on the proposed trim and crop (analysis.auto_trim).
    "frames_left_out": _frames_left_out,
    "trim_from_transitions": "The trim follows the phases that the network found.",
    "crop_untrained": "The weights are untrained, so the crop is the centre of the frame.",
    "crop_centre": "The diver stays near the centre of the frame, so the crop does not move.",
    "crop_diver": "The crop follows the diver.",
    # The exemplars (exemplars.selection, exemplars.user_exemplars).
    "exemplars_simulated": "The exemplar bank has no {code}: {count} were simulated for this report.",
    "other_dive_number": (
        "The exemplar bank has no {code}, and none could be simulated ({reason}): the dive is compared with {other}."
    ),
    "no_exemplars": "No score: there is no exemplar of {code}, and none could be simulated ({reason}).",
    "user_exemplars_unusable": "Your exemplars do not vote: {reason}.",
    "user_exemplar_unusable": "Your exemplar {id} ({name}) does not vote: its clip {reason}",
    "user_exemplars_encoded": _user_exemplars_encoded,
    # The meaning of the intervals (exemplars.voting_result).
    "interval_from_votes": _interval_from_votes,
    "interval_from_scores": _interval_from_scores,
    # The calibration of the score (analysis.analyser).
    "scale_untrained": "Not calibrated: the weights are untrained.",
    "scale_simulated": (
        "Calibrated on simulated dives. Real judges may differ by more than the range: add {min_dives} dives "
        "that your judges scored to calibrate to them."
    ),
    "scale_judges": _scale_judges,
    "scale_real": "Calibrated on {datasets}.",
}
"""Sentences by the code of the warning."""

REASONS = {
    "no_flight": "the take-off was not found",
    "no_entry": "the entry was not found",
    "no_scale": "the length of a metre in the picture is not known",
    "no_board": "the edge of the board was not found",
    "cut_in_flight": "the clip cuts to another shot during the flight",
    "diver_not_visible": "the diver is hidden, blurred or out of the picture",
    "too_small": "the diver is too small in the picture",
    "no_motion_head": "these weights do not predict it",
    "no_shape": "the body stays straight throughout",
    "side_view_needed": "it takes a view from the side of the board",
    "front_view_needed": "it takes a view along the board",
    "no_splash": "there is no splash to be seen",
    "clip_ends": "the clip ends too early",
    "slow_motion": "the clip is slow motion of unknown speed",
}
"""Why a quantity of `fineparser.kinematics` is not measurable, by its code: clauses without a full stop."""


def score_notes(report: DiveReport) -> str:
    """The meaning of the range of a score, and what the score is calibrated on; empty without a score.

    Of a judgement that is not calibrated on real judges this is said apart, as a warning: `calibration_message`; where
    the clip says little, `little_message` says it all.
    """
    if little_message(report):
        return ""
    if (judgement := report.judgement) is not None:
        notes = [standard_message(judgement), f"The judges\u2019 score is inside the range {range_share()} dives."]
        return " ".join([*notes, *([calibration_message(judgement)] if judgement.is_calibrated else [])])
    warnings = [report.interval_basis, report.weights.score_scale] if report.interval_basis else []
    return " ".join(map(message, warnings))


def range_share() -> str:
    """How often the judges’ score is inside the range of a judgement."""
    return f"in {10 * NOMINAL_COVERAGE:.0f} of 10"


def standard_message(judgement: Judgement) -> str:
    """The standard of competition that a score is for."""
    if judgement.standard is not None:
        return f"Judged as: {judgement.standard.value}."
    *others, last = (standard.value for standard in Standard)
    return f"Standard of competition not given: the range covers {', '.join(others)} and {last}."


def calibration_message(judgement: Judgement) -> str:
    """The real judges that a score is calibrated on; without them its error on real dives, a warning."""
    if judgement.is_calibrated:
        return f"Calibrated on {plural(judgement.calibration_dives, 'dive')} that your judges scored."
    error = ""
    if judgement.real_dives:
        error = (
            f": on {plural(judgement.real_dives, 'real dive')} the mean award was off by {judgement.real_error:.1f} "
            "(root mean square)"
        )
    more = "more " if judgement.calibration_dives else ""
    dives = plural(max(MIN_SCORED_DIVES - judgement.calibration_dives, 1), f"{more}judged dive")
    return f"Not calibrated to real judges{error}. Add {dives} of your own to calibrate the score."


def scale_message(report: DiveReport) -> str:
    """The judges on whose scale the scores of a report are."""
    return message(report.weights.score_scale) if report.judgement is None else calibration_message(report.judgement)


def typical_range(judgement: Judgement) -> tuple[float, float]:
    """Ends of the middle awards of dives of the number and standard, as many of them as a range covers."""
    reach = NormalDist().inv_cdf((1 + NOMINAL_COVERAGE) / 2) * judgement.typical_spread
    return max(judgement.typical_award - reach, 0.0), min(judgement.typical_award + reach, float(HIGHEST_AWARD))


def typical_message(report: DiveReport) -> str:
    """The usual awards of the dive, such as "typical 103B from 1 m, club: 4.2 to 7.0"; empty without a judgement."""
    if (judgement := report.judgement) is None:
        return ""
    low, high = typical_range(judgement)
    standard = "all standards" if judgement.standard is None else judgement.standard.value
    return f"typical {report.dive_code} from {report.height:g} m, {standard}: {low:.1f} to {high:.1f}"


def little_message(report: DiveReport) -> str:
    """The sentence in place of a score about which the clip says little; empty for other reports."""
    if report.judgement is None or not report.judgement.is_uninformative:
        return ""
    return f"This clip tells little about the score: see the measurements. {sentence(typical_message(report))} awards."


def no_dive_message(proposal: TrimProposal) -> str:
    """The reason why a clip has no dive, by the proposal of its trim."""
    codes = {warning.code for warning in proposal.warnings}
    reason = "no_diver" if "diver_not_found" in codes else "no_fall" if "no_fall" in codes else ""
    text = f"No dive was found: {no_score_clause(QualityWarning(reason))}." if reason else "No dive was found."
    return f"{text} Analysing the clip gives masks and phases; if it shows a dive, set the trim by hand."


def no_score_message(report: DiveReport) -> str:
    """The reason why there is no score, or that a user overrode it, as one sentence; empty if there is no reason."""
    if not report.no_score:
        return ""
    clause = no_score_clause(report.no_score[0])
    return (
        f"Scored on request: normally there is no score, as {clause}." if report.is_forced else f"No score: {clause}."
    )


def no_score_clause(reason: QualityWarning) -> str:
    """One of the codes of `DiveReport.no_score` in words, without a full stop."""
    text = message(reason)
    return f"{text[:1].lower()}{text[1:]}".removesuffix(".")


def warning_texts(report: DiveReport) -> list[str]:
    """The sentences of the warnings of a report, without the one that is the reason against a score already."""
    stated = report.no_score[0].code if report.no_score else None
    texts = [message(warning) for warning in report.warnings if warning.code != stated]
    missing = [phase for phase in report.missing_phases if (phase, stated) != (Phase.ENTRY, "ends_in_air")]
    return [*(MISSING_PHASES[phase] for phase in missing), *texts]


def missing_phases_message(report: DiveReport) -> str:
    """The phases that the clip does not show, which have no part in the score; empty if it shows all of them.

    >>> from types import SimpleNamespace
    >>> missing_phases_message(SimpleNamespace(missing_phases=(Phase.TAKE_OFF,)))
    'The clip begins in the air: the take-off carries no points.'
    """
    return " ".join(MISSING_PHASES[phase] for phase in report.missing_phases)


MISSING_PHASES = {
    Phase.TAKE_OFF: "The clip begins in the air: the take-off carries no points.",
    Phase.ENTRY: "The clip ends before the entry, which carries no points.",
}


CONFIDENCE_LEVELS = ((0.8, "high"), (0.5, "medium"), (0.0, "low"))
"""Words for a confidence, each with the value from which it holds."""


def confidence_words(confidence: float) -> str:
    """A confidence in words and as a number.

    >>> confidence_words(0.92), confidence_words(0.31)
    ('high (92%)', 'low (31%)')
    """
    word = next(word for least, word in CONFIDENCE_LEVELS if confidence >= least)
    return f"{word} ({confidence:.0%})"


def clock_time(seconds: float) -> str:
    """A time of a recording as minutes, seconds and tenths.

    >>> clock_time(134.26), clock_time(59.96)
    ('2:14.3', '1:00.0')
    """
    minutes, tenths = divmod(round(10 * seconds), 600)
    return f"{minutes}:{tenths / 10:04.1f}"


def time_range(proposal: TrimProposal) -> str:
    """Start and end of a trim in its recording."""
    info = proposal.scan.info
    return f"{clock_time(info.seconds(proposal.first))} to {clock_time(info.seconds(proposal.last))}"


def dive_count(segments: Sequence[DiveSegment]) -> str:
    """The number of dives of a recording, and of replays if it has any."""
    replays = sum(segment.replay_of is not None for segment in segments)
    dives = plural(len(segments) - replays, "dive")
    return f"{dives} and {plural(replays, 'replay')}" if replays else dives


def dive_remarks(segment: DiveSegment) -> list[str]:
    """Facts about a dive of a recording that set it apart from a whole live dive."""
    remarks = [] if segment.replay_of is None else [f"replay of dive {segment.replay_of}"]
    if segment.begins_in_air:
        remarks.append("begins in the air")
    if segment.ends_in_air:
        remarks.append("ends before the entry")
    return remarks


def vote_reason(vote: Vote, report: DiveReport) -> str:
    """Reason why an exemplar votes on the dive of a report: the rule by which it was chosen, with its particulars."""
    if vote.rule == NEAREST_NUMBER:
        return f"nearest dive number: {vote.code}, as there is no {report.dive_code}"
    if vote.rule == SAME_NUMBER and report.height not in (None, vote.height):
        return f"same dive number, {vote.code}, from {vote.height:g} m instead of {report.height:g} m"
    return f"{vote.rule}, {vote.code}"
