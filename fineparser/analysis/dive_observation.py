"""Observation of a dive for the kinematics, from the outputs of a network and the scan of the clip."""

from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from torch import Tensor

from fineparser.analysis.clip_scan import ClipScan
from fineparser.domain.clip_geometry import CLIP_FRAMES
from fineparser.domain.phases import Phase
from fineparser.kinematics.body_path import BodyPath
from fineparser.kinematics.dive_identity import DiveIdentity, identify_dive
from fineparser.kinematics.flight_transitions import FlightTransitions, decode_flight_transitions
from fineparser.kinematics.kinematics import Kinematics
from fineparser.kinematics.measurement import measure_dive, without_phases
from fineparser.kinematics.observation import DiveObservation, EntryObservation, MotionPrediction
from fineparser.kinematics.rotation_measurement import measure_rotation
from fineparser.kinematics.shape_measurement import measure_shape
from fineparser.model.config import KEYPOINTS, CompactConfig
from fineparser.model.protocol import Diagnostics, EntryPlaces, MotionOutput
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.video.clip import Clip


@dataclass
class DiveObserver:
    """Decodes the transitions of one clip while a network encodes it, and measures the dive afterwards.

    It is the `TransitionDecoder` of that encoding.
    """

    config: CompactConfig
    """Of the network."""
    clip: Clip
    """The frames that it takes."""
    scan: ClipScan
    """Of the whole clip."""
    height: float | None = None
    """Of the board in metres; None: not known."""
    transitions: FlightTransitions | None = field(default=None, init=False)
    """Decoded ones; None where there is no flight."""

    def __call__(self, probabilities: Tensor, diagnostics: Diagnostics) -> Tensor:
        """Transitions [1, 2] from their probabilities [1, 96, 2]; without a flight those of the network alone."""
        observation = self._observe(probabilities, diagnostics)
        self.transitions = decode_flight_transitions(observation, BodyPath.from_observation(observation), self.height)
        if self.transitions is None:
            return decode_transitions(probabilities, self.config.transition_rule)
        return torch.tensor([[self.transitions.flight, self.transitions.entry]], device=probabilities.device)

    def measure(
        self,
        probabilities: Tensor,
        diagnostics: Diagnostics,
        missing: Collection[Phase] = (),
        *,
        is_dive: bool = True,
    ) -> Kinematics:
        """Measurements of the encoded clip.

        Args:
            probabilities: of the transitions, [1, 96, 2].
            diagnostics: with masks.
            missing: phases that the clip does not show.
            is_dive: False for a clip in which nobody falls: nothing is measured.
        """
        observation = self._observe(probabilities, diagnostics)
        if diagnostics.entry_layers is not None and diagnostics.entry_places is not None:
            entry = _entry_observation(diagnostics.entry_layers[0], diagnostics.entry_places, observation.boxes)
            observation = replace(observation, entry=entry)
        transitions = self.transitions if is_dive else None
        kinematics = measure_dive(observation, BodyPath.from_observation(observation), transitions, self.height)
        return kinematics if transitions is None else without_phases(kinematics, missing)

    def identify(
        self, probabilities: Tensor, diagnostics: Diagnostics
    ) -> tuple[DiveIdentity, FlightTransitions] | None:
        """Identity of the dive, and its transitions, as if no height were given; None where there is no flight."""
        observation = self._observe(probabilities, diagnostics)
        path = BodyPath.from_observation(observation)
        transitions = decode_flight_transitions(observation, path)
        if transitions is None:
            return None
        rotation, shape = measure_rotation(observation, transitions), measure_shape(observation, transitions)
        if rotation is None or shape is None:
            return None
        return identify_dive(observation, transitions, rotation, shape, path.length), transitions

    def _observe(self, probabilities: Tensor, diagnostics: Diagnostics) -> DiveObservation:
        """Observation without the entry."""
        assert diagnostics.frame_features is not None  # given at every level
        features = _to_numpy(diagnostics.frame_features[0]).astype(np.float64)  # [2, 96, 445]
        clip, end = self.clip, self.config.frame_features
        points = features[..., end - 3 * KEYPOINTS : end].reshape(*features.shape[:2], KEYPOINTS, 3)
        # The last three of `CropTrack.measures`.
        centre, half_side = features[..., None, -3:-1], np.exp(features[..., -1])[..., None] / 4
        places = centre + half_side[..., None] * points[..., :2]
        places[1, ..., 0] *= -1  # the second pass saw the mirror image
        boxes = np.broadcast_to(clip.framing.boxes, (CLIP_FRAMES, 4))
        side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        indices = clip.frame_numbers - clip.info.first_number
        to_pixels = np.diag([clip.info.height, clip.info.height, 1.0])
        return DiveObservation(
            numbers=clip.frame_numbers,
            seconds=self.scan.seconds[indices],
            camera=to_pixels @ self.scan.motion.select(indices).camera @ np.linalg.inv(to_pixels),
            keypoints=clip.framing.to_source(places + 0.5, np.arange(CLIP_FRAMES)[:, None], size=1),
            spread=points[..., 2] * half_side * side[:, None],
            masks=_to_numpy(diagnostics.masks[0]),
            boxes=boxes,
            probabilities=_to_numpy(probabilities[0]),
            motion=None if diagnostics.motion is None else _motion_prediction(diagnostics.motion, side),
        )


def _motion_prediction(motion: MotionOutput, side: np.ndarray) -> MotionPrediction:
    """Motion of one clip whose frames have crops of `side` [96] source pixels."""
    arrays = {
        one.name: _to_numpy(getattr(motion, one.name)[0])
        for one in fields(MotionPrediction)
        if one.name not in ("choices", "metre")
    }
    choices = {name: _to_numpy(values[0]) for name, values in motion.choices.items()}
    return MotionPrediction(**arrays, metre=_to_numpy(motion.metre[0]) * side.astype(np.float32), choices=choices)


def _entry_observation(layers: Tensor, places: EntryPlaces, boxes: np.ndarray) -> EntryObservation:
    """Entry of one clip with layers [16, 3, 48, 48], in frames cut at boxes [96, 4]."""
    frames, crops = _to_numpy(places.frames[0]), _to_numpy(places.crops[0]).astype(np.float64)
    corner, size = boxes[frames, :2], boxes[frames, 2:] - boxes[frames, :2]
    centre, half_side = crops[:, :2] + 0.5, crops[:, 2:]
    edges = [corner + (centre - half_side) * size, corner + (centre + half_side) * size]
    return EntryObservation(
        frames=frames, inside=_to_numpy(places.inside[0]), layers=_to_numpy(layers), boxes=np.concatenate(edges, axis=1)
    )


def _to_numpy(values: Tensor) -> np.ndarray:
    """On the CPU, floating point values in 32 bits."""
    values = values.detach()
    array: np.ndarray = (values.float() if values.is_floating_point() else values).cpu().numpy()
    return array
