"""Sentences for people: warnings and notes by their code, and the scale of a score.

Packages below `rendering` return numbers and `QualityWarning` codes; everything that a person reads is written here.
To add a warning, add its code to `MESSAGES`: the keys in braces are its values. A sentence that depends on more than
the formatting of its values is a function of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fineparser.analysis.report import DiveReport
from fineparser.data.exemplar_pool import NEAREST_NUMBER, SAME_NUMBER
from fineparser.exemplars.exemplar import SIMULATED
from fineparser.exemplars.judge_calibration import MIN_SCORED_DIVES, JudgeComparison
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.exemplars.voting_result import Vote
from fineparser.quality_warning import QualityWarning

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


def _longest_shot(values: Values) -> str:
    return (
        f"The clip cuts to another shot at {_frames(values['cuts'])}. Only the longest shot was analysed, "
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


def _interval_from_judges(values: Values) -> str:
    dives = plural(values["dives"], "dive")
    return f"Judging by {dives} that they scored, the score of your judges is inside this range {_in_ten()}."


def _user_exemplars_encoded(values: Values) -> str:
    verb = "was" if values["count"] == 1 else "were"
    return f"{plural(values['count'], 'exemplar')} of yours {verb} encoded for these weights."


def _scale_judges(values: Values) -> str:
    return f"Calibrated to your judges, who {judges_description(values['offset'], values['slope'])}."


def _in_ten() -> str:
    return f"{10 * NOMINAL_COVERAGE:.0f} times in 10"


def sentence(text: str) -> str:
    """The text with a capital letter.

    >>> sentence("the bank is empty.")
    'The bank is empty.'
    """
    return f"{text[:1].upper()}{text[1:]}"


def judges_description(offset: float, slope: float) -> str:
    """Difference of judges from simulated ones, a predicate of "your judges".

    Args:
        offset, slope: of a `JudgeCalibration`.

    >>> judges_description(-1.04, 1.2)
    'give 1.0 awards less than simulated judges and spread dives 1.2 times as far'
    >>> judges_description(0.04, 0.97)
    'give the same awards as simulated judges and spread dives as far'
    """
    size, spread = f"{abs(offset):.1f}", f"{slope:.1f}"
    give = "the same awards as" if size == "0.0" else f"{size} awards {'more' if offset >= 0 else 'less'} than"
    far = "as far" if spread == "1.0" else f"{spread} times as far"
    return f"give {give} simulated judges and spread dives {far}"


def judge_comparison_message(comparison: JudgeComparison) -> str:
    """Summary of what the scored dives of a user show about their judges."""
    count = len(comparison.dives)
    if (judges := comparison.calibration) is not None:
        return (
            f"In {plural(count, 'dive')} your judges {judges_description(judges.offset, judges.slope)}. "
            "Scores are calibrated to them."
        )
    if count >= MIN_SCORED_DIVES:
        return "These weights were trained on real dives, so scores are not calibrated to your judges."
    return (
        f"{plural(count, 'dive')} of yours {'has' if count == 1 else 'have'} a number with simulated exemplars. From "
        f"{MIN_SCORED_DIVES} such dives on, scores are calibrated to your judges."
    )


MESSAGES: dict[str, Template] = {
    # The clip (analysis.quality_checks, analysis.auto_trim).
    "cut_inside_trim": _cut_inside,
    "longest_shot_used": _longest_shot,
    "variable_frame_rate": "The frame rate varies: times are correct, speeds from frame to frame may not be.",
    "low_frame_count": "The clip has only {frames} frames, and the network needs {needed}: frames are repeated.",
    "no_fall": "Nothing in the clip falls like a diver: check that it shows a dive, and trim it.",
    "diver_not_found": "The diver was not found in the frame: the centre of the frame was used.",
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
    "interval_from_judges": _interval_from_judges,
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

JUDGE_CALIBRATED_VOTES = "Scores of simulated exemplars are shown as your judges would have given them."
"""Note beside votes that are calibrated to the user's judges."""


def score_notes(report: DiveReport) -> str:
    """The meaning of the range of a score, and what the score is calibrated on; empty without a score."""
    notes = [report.interval_basis, report.weights.score_scale] if report.interval_basis else []
    return " ".join(map(message, notes))


def vote_reason(vote: Vote, report: DiveReport) -> str:
    """Reason why an exemplar votes on the dive of a report: the rule by which it was chosen, with its particulars."""
    if vote.rule == NEAREST_NUMBER:
        return f"nearest dive number: {vote.code}, as there is no {report.dive_code}"
    if vote.rule == SAME_NUMBER and report.height not in (None, vote.height):
        return f"same dive number, {vote.code}, from {vote.height:g} m instead of {report.height:g} m"
    return f"{vote.rule}, {vote.code}"
