"""Plan of a simulated dive: everything that is decided before a pixel is rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from fineparser.domain.clip_geometry import CLIP_SIDE
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import total_score
from fineparser.domain.standards import Standard, award_prior, standard_shares
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.pose import POSE_FIELDS, POSITION_FIELDS
from fineparser.simulator.dive_sampling import sample_dive
from fineparser.simulator.faults import FaultProfile, Faults, sample_faults
from fineparser.simulator.filming.camera import CAMERA_KIND_SHARES, CAMERA_KINDS
from fineparser.simulator.filming.filming import DiveShot, FilmingSeeds, FilmingStyle, FrameWidth
from fineparser.simulator.flight.diver_motion import DiverMotion, plan_motion, plan_partner
from fineparser.simulator.judges import HIGHEST_AWARD, LOWEST_AWARD, award_pair, faults_of_award, sample_award

_Key = TypeVar("_Key")

SPLITS = ("train", "validation", "test")
FRAME_RATES = {24.0: 0.04, 25.0: 0.34, 29.97: 0.3, 30.0: 0.1, 50.0: 0.1, 59.94: 0.06, 60.0: 0.06}
"""Frames per second -> share of clips."""
SYNCHRO_SHARE = 0.2
PARTNER_DIFFERENCE = 0.5
"""Standard deviation of the difference between the awards of two synchronised divers."""
SLOW_MOTION_SHARE = 0.1
CUT_SHARE = 0.05
STRETCHED_SHARE = 0.28
OFF_CENTRE_SHARE = 0.3
LATE_END_SHARE, LATEST_END = 0.25, 3.0
"""Share of clips that end well after the entry, and seconds after it at which they end at the latest."""
AMATEUR_SHARE = 0.25
"""Share of clips that are amateur recordings: of dives from springboards mostly, by a static or hand-held camera."""
AMATEUR_KIND_SHARES = {"static": 0.4, "handheld": 0.6}
AMATEUR_HEIGHT_SHARES = {1: 0.55, 3: 0.35, 5: 0.1}
CAPTURE_RATES = {None: 0.5, 12.5: 0.1, 15.0: 0.3, 20.0: 0.1}
"""Pictures per second of amateur recordings (None: one in each frame) -> share of them."""
UNREPEATED_SHARE = 0.4
"""Share of those with fewer pictures whose frame rate is that of the pictures; in the others pictures are repeated."""
MAX_LOG_ZOOM = {"broadcast": 0.6, "handheld": 0.3, "static": 0.0}
"""Logarithm of the largest zoom by kind of camera."""


@dataclass(frozen=True, kw_only=True)
class DiveRequest:
    """Properties that a simulated dive is to have; those that are None are sampled."""

    code: DiveCode | str | None = None
    """Dive number."""
    height: float | None = None
    """Metres."""
    level: float | None = None
    """The diver's level, 0 (beginner) to 1 (medallist), instead of a standard of competition."""
    standard: Standard | None = None
    """Standard of competition, whose judges and awards the dive has."""
    synchro: bool | None = None
    """Two divers."""
    camera: str | None = None
    """Kind of camera: "broadcast", "static" or "handheld"."""
    opening: bool | None = None
    """Another shot before a hard cut at the start."""
    amateur: bool | None = None
    """An amateur recording."""


@dataclass(frozen=True)
class DivePlan:
    """One simulated dive: divers, motions, faults, awards and filming. `render` renders it at any size."""

    seed: int
    split: str
    code: DiveCode
    height: float
    """Metres."""
    difficulty: float
    faults: tuple[Faults, ...]
    """Faults of each diver."""
    awards: tuple[float, ...]
    """Seven awards in halves."""
    noise_free_award: float
    """Award of a judge without noise, 0-10; of a pair, the mean over the divers."""
    standard: Standard | None
    """Standard of competition; None for a given level."""
    bodies: tuple[Body, ...]
    motions: tuple[DiverMotion, ...]
    """One for each diver; synchronised divers are two."""
    lateral_offsets: tuple[float, ...]
    """y of each diver's line, metres."""
    times: np.ndarray
    """Seconds of the dive at each of the N frames of the source clip, 0 at take-off, [N]; equal in frames that repeat
    a picture."""
    fps: float
    """Frames per second of the source clip."""
    slow_motion: float
    """Factor by which the clip runs slower than life, 1 or more."""
    style: FilmingStyle
    opening_shot: "DivePlan | None"
    """Another dive, shown before a hard cut at the start."""
    cut_frame: int
    """Number of source frames before the cut."""

    @property
    def score(self) -> float:
        """Total score: the counted awards times the difficulty."""
        return total_score(self.awards, self.difficulty)

    @property
    def synchro(self) -> bool:
        """True for two divers."""
        return len(self.bodies) == 2

    def render(
        self,
        lines: int = CLIP_SIDE,
        width: FrameWidth = None,
        frame_numbers: Sequence[int] | np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Render frames of the source clip.

        Args:
            lines: height of the frames in pixels.
            width: None for the crop of the 16:9 image that the published loader makes (112 of 200 pixels at 112 lines),
                at a random position in training clips and in the middle otherwise; "full" for the whole image; a number
                for that many pixels in the middle.
            frame_numbers: source frames, ascending; all N when None.

        Returns:
            frames uint8 [F, lines, W, 3], masks bool [F, lines, W].
        """
        numbers = self._check_numbers(np.arange(len(self.times)) if frame_numbers is None else frame_numbers)
        before, after = numbers[numbers < self.cut_frame], numbers[numbers >= self.cut_frame]
        pieces = []
        if len(before) and self.opening_shot is not None:
            pieces.append(self.opening_shot.render(lines, width, before))
        if len(after):
            pictures, index = self._pictures(after)
            frames, masks = self._shot.render(lines, width, pictures)
            pieces.append((frames[index], masks[index]))
        return np.concatenate([frames for frames, _ in pieces]), np.concatenate([masks for _, masks in pieces])

    def poses(
        self, frame_numbers: Sequence[int] | np.ndarray, lines: int = CLIP_SIDE, width: FrameWidth = "full"
    ) -> np.ndarray:
        """Measure the first diver's pose and position in frames of the source clip.

        Args:
            frame_numbers: source frames, ascending.
            lines, width: size of the frames, as for `render`.

        Returns:
            float32 [F, 28], see `fineparser.simulator.athlete.pose`; NaN before a cut and for numbers that are unknown.
        """
        numbers = self._check_numbers(frame_numbers)
        poses = np.full((len(numbers), len(POSE_FIELDS) + len(POSITION_FIELDS)), np.nan, np.float32)
        after = numbers >= self.cut_frame
        if after.any():
            pictures, index = self._pictures(numbers[after])
            poses[after] = self._shot.poses(lines, width, pictures)[index]
        return poses

    def layers(
        self, frame_numbers: Sequence[int] | np.ndarray, lines: int = CLIP_SIDE, width: FrameWidth = "full"
    ) -> np.ndarray:
        """Render the layers of frames of the source clip: bodies, flying water and foam.

        Args:
            frame_numbers: source frames, ascending.
            lines, width: size of the frames, as for `render`.

        Returns:
            uint8 [F, lines, W, 3], see `fineparser.simulator.filming.filming`; 0 before a cut.
        """
        numbers = self._check_numbers(frame_numbers)
        # Frames before the cut are rendered from the first frame after it, for their size alone.
        pictures, index = self._pictures(np.maximum(numbers, self.cut_frame))
        layers = self._shot.layers(lines, width, pictures)
        return layers[index] * (numbers >= self.cut_frame)[:, None, None, None]

    def project(
        self,
        points: np.ndarray,
        frame_numbers: Sequence[int] | np.ndarray,
        lines: int = CLIP_SIDE,
        width: FrameWidth = "full",
    ) -> np.ndarray:
        """Pixels [F, n, 2], right and down, of points [F, n, 3] in metres in frames of the source clip.

        Args:
            points: in the world frame of `fineparser.simulator.flight.diver_motion.DiverMotion`.
            frame_numbers: [F] source frames from the cut on, ascending.
            lines, width: size of the frames, as for `render`.
        """
        pictures = self._picture_numbers(self._check_numbers(frame_numbers))
        return self._shot.project(points, lines, width, pictures)

    @property
    def _shot(self) -> DiveShot:
        return DiveShot(
            bodies=self.bodies,
            motions=self.motions,
            lateral_offsets=self.lateral_offsets,
            height=self.height,
            times=np.unique(self.times),
            style=self.style,
        )

    def _pictures(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distinct pictures, ascending, and the index among them of the one in each source frame."""
        return np.unique(self._picture_numbers(numbers), return_inverse=True)

    def _picture_numbers(self, numbers: np.ndarray) -> np.ndarray:
        """Number of the distinct picture in each source frame."""
        return np.searchsorted(np.unique(self.times), self.times[numbers])

    def _check_numbers(self, frame_numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        numbers = np.asarray(frame_numbers)
        if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= len(self.times):
            raise ValueError(f"frame numbers {numbers!r} are not all in 0 to {len(self.times) - 1}")
        return numbers


def plan_dive(seed: int, request: DiveRequest | None = None, *, split: str = "train") -> DivePlan:
    """Decide everything about a dive.

    Args:
        seed: an integer >= 0; dives of one split differ by it.
        request: properties of the dive that are given; all are sampled when None.
        split: "train", "validation" or "test". Their random streams are separate, so no diver and no scene of one
            occurs in another.

    Raises:
        ValueError: an unknown split, camera, code or height, a negative seed, a level beside a standard, or a dive that
            is not allowed at that height.
    """
    request = request or DiveRequest()
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is unknown; use one of {', '.join(SPLITS)}")
    if seed < 0:
        raise ValueError(f"seed is {seed}; give an integer >= 0")
    if request.camera is not None and request.camera not in CAMERA_KINDS:
        raise ValueError(f"camera {request.camera!r} is unknown; use one of {', '.join(CAMERA_KINDS)}")
    if request.level is not None and request.standard is not None:
        raise ValueError(f"both level {request.level} and standard {request.standard} are given; give one of them")
    # The split comes first: the streams of two splits can never be the same.
    streams = np.random.SeedSequence([SPLITS.index(split), int(seed)]).spawn(6)
    dive, timing, filming, partner, cutting, amateurs = (np.random.default_rng(stream) for stream in streams)
    amateur = _is_amateur(amateurs, request.camera) if request.amateur is None else request.amateur
    if amateur and request.code is None and request.height is None:
        code, height = sample_dive(dive, height=_choose(amateurs, AMATEUR_HEIGHT_SHARES))
    else:
        code, height = sample_dive(dive, request.code, request.height)
    if amateur and request.synchro is None:
        request = replace(request, synchro=False)
    if request.level is None and request.standard is None:
        request = replace(request, standard=_sample_standard(dive, code, height, amateur))
    divers = _sample_divers(dive, partner, code, height, request)
    panel_sd = award_prior(request.standard, code, height).panel_sd
    awards, noise_free_award = award_pair(dive, divers.faults, panel_sd)
    kind = request.camera or CAMERA_KINDS[int(filming.choice(len(CAMERA_KINDS), p=CAMERA_KIND_SHARES))]
    if amateur and request.camera is None:
        kind = _choose(amateurs, AMATEUR_KIND_SHARES)
    clip = _sample_clip(timing, divers.motions, kind)
    if amateur:
        clip = _drop_pictures(amateurs, clip)
    cut_frame = int(cutting.integers(1, 5))
    opening = cutting.random() < CUT_SHARE if request.opening is None else request.opening
    return DivePlan(
        seed=int(seed),
        split=split,
        code=code,
        height=height,
        difficulty=difficulty(code, height),
        faults=divers.faults,
        awards=awards,
        noise_free_award=noise_free_award,
        standard=request.standard,
        bodies=divers.bodies,
        motions=divers.motions,
        lateral_offsets=divers.lateral_offsets,
        times=clip.times,
        fps=clip.fps,
        slow_motion=clip.slow_motion,
        style=replace(_sample_style(filming, kind, split, clip.fps * clip.slow_motion), amateur=amateur),
        opening_shot=_sample_opening(cutting, split) if opening else None,
        cut_frame=cut_frame if opening else 0,
    )


def _choose(rng: np.random.Generator, shares: Mapping[_Key, float]) -> _Key:
    """One of the keys of `shares`."""
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def _is_amateur(rng: np.random.Generator, camera: str | None) -> bool:
    """Decide whether a clip is an amateur recording; half of those by a given static or hand-held camera are."""
    share = {None: AMATEUR_SHARE, "broadcast": 0.0}.get(camera, 0.5)
    return bool(rng.random() < share)


def _sample_standard(rng: np.random.Generator, code: DiveCode, height: float, amateur: bool) -> Standard:
    """Sample the standard at which a dive is done; nobody's amateur recording shows an international meet."""
    shares = standard_shares(code, height)
    if amateur:
        del shares[Standard.INTERNATIONAL]
    total = sum(shares.values())
    return _choose(rng, {standard: share / total for standard, share in shares.items()})


@dataclass(frozen=True)
class _Divers:
    """One or two divers."""

    bodies: tuple[Body, ...]
    motions: tuple[DiverMotion, ...]
    lateral_offsets: tuple[float, ...]
    faults: tuple[Faults, ...]


def _sample_divers(
    rng: np.random.Generator, partner_rng: np.random.Generator, code: DiveCode, height: float, request: DiveRequest
) -> _Divers:
    """Sample one or two divers of the same sex; the second is a little out of time."""
    first = Body.sample(rng)
    award = None if request.standard is None else sample_award(rng, request.standard, code, height)
    faults = _sample_faults(rng, code, height, request.level, award)
    motion = plan_motion(code, height, first, faults, rng)
    synchro = rng.random() < SYNCHRO_SHARE if request.synchro is None else request.synchro
    if not synchro:
        return _Divers((first,), (motion,), (0.0,), (faults,))
    second = Body.sample(partner_rng, first.sex)
    # Partners wear the same suit.
    second = replace(second, colours=second.colours | {"suit": first.colours["suit"]})
    offset = partner_rng.uniform(1.6, 2.4) * (1 if partner_rng.random() < 0.5 else -1)
    if award is not None:
        award = float(np.clip(award + partner_rng.normal(0.0, PARTNER_DIFFERENCE), LOWEST_AWARD, HIGHEST_AWARD))
    second_faults = _sample_faults(partner_rng, code, height, request.level, award)
    second_motion = plan_partner(code, height, second, second_faults, partner_rng, motion, sideways=offset)
    return _Divers((first, second), (motion, second_motion), (0.0, offset), (faults, second_faults))


def _sample_faults(
    rng: np.random.Generator, code: DiveCode, height: float, level: float | None, award: float | None
) -> Faults:
    """Sample the faults of a dive that has an award, or is done at a level."""
    if award is not None:
        return faults_of_award(FaultProfile.sample(rng, code, height), award)
    assert level is not None
    return sample_faults(rng, level, code, height)


@dataclass(frozen=True)
class _SourceClip:
    """Timing of the source clip."""

    times: np.ndarray
    """Seconds of the dive at each frame, [N]."""
    fps: float
    slow_motion: float


def _sample_clip(rng: np.random.Generator, motions: Sequence[DiverMotion], kind: str) -> _SourceClip:
    """Sample start, end and frame rate of the source clip for a kind of camera."""
    fps = float(rng.choice(list(FRAME_RATES), p=list(FRAME_RATES.values())))
    slow_motion = float(rng.uniform(1.8, 4.0)) if rng.random() < SLOW_MOTION_SHARE else 1.0
    entry = max(motion.entry_time for motion in motions)
    if slow_motion > 1:
        lead, after = rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.7)
    else:
        is_long = rng.random() < (0.1 if kind == "broadcast" else 0.3)
        lead = rng.uniform(2.0, 5.0) if is_long else rng.uniform(0.3, 2.0)
        after = rng.uniform(1.2, LATEST_END) if rng.random() < LATE_END_SHARE else rng.uniform(0.3, 1.2)
    count = int((lead + entry + after) * fps * slow_motion) + 1
    return _SourceClip(-lead + np.arange(count) / (fps * slow_motion), fps, slow_motion)


def _drop_pictures(rng: np.random.Generator, clip: _SourceClip) -> _SourceClip:
    """The clip with the pictures that an amateur's camera took; in other frames they are repeated."""
    rate = _choose(rng, CAPTURE_RATES)
    if rate is None:
        return clip
    capture = rate * clip.slow_motion
    if rng.random() < UNREPEATED_SHARE:
        count = int((clip.times[-1] - clip.times[0]) * capture) + 1
        return _SourceClip(clip.times[0] + np.arange(count) / capture, rate, clip.slow_motion)
    pictures = np.floor((clip.times - clip.times[0]) * capture + 1e-6)
    return _SourceClip(clip.times[0] + pictures / capture, clip.fps, clip.slow_motion)


def _sample_style(rng: np.random.Generator, kind: str, split: str, frame_rate: float) -> FilmingStyle:
    """Sample the filming for a kind of camera; `frame_rate` is in frames per second of the dive."""
    exposure = 1 / np.exp(rng.uniform(np.log(50), np.log(1000)))
    if rng.random() < 0.25:
        exposure = 1 / rng.uniform(50, 100)
    stretch = 1.0
    if rng.random() < STRETCHED_SHARE:
        stretch = 4 / 3 if rng.random() < 0.5 else rng.uniform(0.8, 1.3)
    crop_position = float(rng.random())
    key_light = float(np.exp(rng.uniform(0.0, 0.65) if kind == "broadcast" else rng.uniform(-0.3, 0.45)))
    zoom = float(np.exp(rng.uniform(0, MAX_LOG_ZOOM[kind])))
    offset = float(rng.uniform(-0.32, 0.32)) if rng.random() < OFF_CENTRE_SHARE else 0.0
    camera, scene, water, recording = (int(value) for value in rng.integers(2**62, size=4))
    return FilmingStyle(
        exposure_time=float(min(exposure, 1 / frame_rate)),
        camera_kind=kind,
        stretch=float(stretch),
        key_light=key_light,
        zoom=zoom,
        offset=offset,
        close_up=False,
        crop_position=crop_position if split == "train" else 0.5,
        seeds=FilmingSeeds(camera=camera, scene=scene, water=water, recording=recording),
    )


def _sample_opening(rng: np.random.Generator, split: str) -> DivePlan:
    """Sample the dive before a hard cut: another one, often a close-up of its waiting diver."""
    other = plan_dive(int(rng.integers(2**62)), DiveRequest(opening=False), split=split)
    close_up = bool(rng.random() < 0.6)
    return replace(other, style=replace(other.style, close_up=close_up))
