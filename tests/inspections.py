"""Inspections made up by hand, for the tests of what is made of them."""

from dataclasses import replace

import numpy as np

from fineparser.analysis.inspection import ClipLabels, EntryInspection, ExemplarInspection, Inspection

STARTS = tuple(range(0, 81, 10))


def made_up(side: int = 8) -> Inspection:
    """Pictures of `side` pixels; window 0 finds the left half, window 1 the left quarter, the others nothing.

    Flight from frame 30 and entry from 50 by the ordered rule, which counts; 20 and 60 by the windowed one.
    """
    rng = np.random.default_rng(0)
    windows = np.zeros((9, 16, side, side), np.float16)
    windows[0, :, :, : side // 2] = 0.9
    windows[1, :, :, : side // 4] = 0.7
    fused = np.zeros((96, side, side), np.float32)
    fused[:16, :, : side // 2] = 0.9
    return Inspection(
        name="dive <1>.mp4",
        weights="untrained (0123)",
        frames=rng.integers(0, 256, (96, side, side, 3), dtype=np.uint8),
        frame_numbers=np.arange(96) + 100,
        seconds=np.arange(96) / 25,
        mask_probability=fused,
        side_probability=np.stack([fused, np.zeros_like(fused), fused, fused]).astype(np.float16),
        window_starts=STARTS,
        window_probability=windows,
        transition_probabilities=rng.random((96, 2), dtype=np.float32),
        windowed=(20, 60),
        ordered=(30, 50),
        rule="ordered",
        features=rng.random((9, 16), dtype=np.float32),
    )


def drawn(inspection: Inspection) -> Inspection:
    """With an entry at sample 50 of which all but the last moment are inside: white squares whose left half is body,
    upper half foam; each fault costs a tenth of its number, the award is 6.5."""
    layers = np.zeros((16, 3, 8, 8), np.float16)
    layers[:, 0, :, :4], layers[:, 2, :4] = 1, 1
    readings = np.append(np.arange(13) / 10, 6.5).astype(np.float32)
    entry = EntryInspection(
        frames=50 + np.arange(16) * 2 - 4,
        is_in_clip=np.arange(16) < 15,
        crops=np.full((16, 16, 16, 3), 255, np.uint8),
        layers=layers,
        fault_scores=readings,
    )
    return replace(inspection, entry=entry)


def paired(inspection: Inspection) -> Inspection:
    """Beside an exemplar: two layers of four heads whose attention is the identity in the last head of the last
    layer, even elsewhere; token t of phase p sees p + t / 10 points in the dynamic branch, -1 in the static one."""
    dynamic, static = np.full((3, 2, 4, 12, 12), 1 / 12, np.float32), np.full((3, 2, 4, 4, 4), 0.25, np.float32)
    dynamic[:, 1, 3] = np.eye(12)
    tokens = (
        np.arange(3, dtype=np.float32)[:, None] + np.arange(12, dtype=np.float32) / 10,
        -np.ones((3, 4), np.float32),
    )
    deltas = np.stack([branch.mean(axis=1) for branch in tokens])
    comparison = ExemplarInspection(
        exemplar="207C-10m-03",
        features=np.ones((9, 16), np.float32),
        transitions=np.array([25, 55]),
        transition_probabilities=np.zeros((96, 2), np.float32),
        similarity=(np.eye(9) * 0.5 + 0.5).astype(np.float32),
        attention=(dynamic, static),
        tokens=tokens,
        deltas=deltas,
        contributions=deltas * np.array([0.3, 0.5, 0.2], np.float32) / 2,
    )
    return replace(inspection, comparison=comparison)


def labelled(inspection: Inspection) -> Inspection:
    """With switches at 30 and 60, three eighths of frames 4 to 19 as masks, and 70 points, where 66.5 were found."""
    side = inspection.frames.shape[1]
    masks = np.zeros((96, side, side), bool)
    masks[4:20, :, : side * 3 // 8] = True
    return replace(inspection, labels=ClipLabels(np.array([30, 60]), masks, 70.0), predicted_score=66.5)
