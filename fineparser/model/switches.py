"""Where the phases of a clip begin, for whoever wants to know nothing else of it yet."""

from torch import Tensor

from fineparser.model.encoding import confidence, frame_probability
from fineparser.model.fineparser import FineParser
from fineparser.model.temporal_action_parser import decode_transitions


def find_switches(model: FineParser, clips: Tensor) -> tuple[Tensor, Tensor]:
    """The transitions that `model.encode(clips)` finds, and how sure it is, in about half of the time.

    A network with a diver's track draws no refined outlines, sums nothing up and leaves the entry alone.

    Args:
        clips: as `FineParser.encode` takes them.

    Returns:
        The transitions [B, 2] and, for each, the probability that it is within two frames of where it was put [B, 2].
    """
    if not model.config.diver_track:
        found = model.encode(clips, masks=False)
        return found.transitions, found.transition_confidence
    outlined = frame_probability(model.outline(clips), model.config.window_starts)
    _, probabilities, _ = model.read_track(clips, outlined)
    transitions = decode_transitions(probabilities, model.config.transition_rule)
    return transitions, confidence(probabilities, transitions)
