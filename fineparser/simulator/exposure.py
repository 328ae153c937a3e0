"""The open shutter: at which instants moving divers are drawn, and how a turning camera smears the scenery."""

import cv2
import numpy as np

from fineparser.simulator.limbs import Views

STEP = 1.5  # pixels that a joint may move between two instants of a frame, in a picture of 112-240 lines
MOST = 5  # instants a frame of up to 140 lines; larger pictures, on which single instants would show, take more


def open_shutter(camera, frames, times, poses, shutter):
    """Choose the instants at which the divers of each frame are drawn.

    Args:
        camera: the clip's camera (all N source frames).
        frames: [F] source frames to draw.
        times: [N] seconds of the source frames.
        poses: function of times [n] giving joints [D, n, 20, 3].
        shutter: exposure time in seconds.

    Returns:
        views: `Views` of V instants.
        instants: [V] seconds.
    """
    ends = np.stack([times[frames] - shutter / 2, times[frames] + shutter / 2], 1)
    turning = _turn_rates(camera, times)
    rotations, focals = _look(camera, turning, frames, ends - times[frames][:, None])
    joints = poses(ends.ravel())
    divers, _, count, _ = joints.shape
    joints = joints.reshape(divers, len(frames), 2, count, 3).transpose(1, 2, 0, 3, 4)
    joints = joints.reshape(len(frames), 2, divers * count, 3)
    seen = np.einsum("feij,fenj->feni", rotations, joints - camera.position)
    flat = focals[..., None, None] * seen[..., :2] / np.maximum(seen[..., 2:], 0.3)
    moved = np.linalg.norm(flat[:, 1] - flat[:, 0], axis=-1).max(1)
    step = STEP * max(1.0, camera.height / 240)
    counts = np.clip(np.ceil(moved / step), 1, MOST * max(1.0, camera.height / 140)).astype(int)
    owner = np.repeat(np.arange(len(frames)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    shift = ((within + 0.5) / counts[owner] - 0.5) * shutter
    rotation, focal = _look(camera, turning, frames[owner], shift[:, None])
    views = Views(
        rotation=rotation[:, 0],
        focal=focal[:, 0],
        position=camera.position,
        principal_point=camera.principal_point,
        size=(camera.width, camera.height),
        counts=counts,
    )
    return views, times[frames][owner] + shift


def smears(camera, frames, times, shutter):
    """How far (x, y) in pixels the scenery at the picture's centre moves while the shutter is open, [F, 2]."""
    turning = _turn_rates(camera, times)
    ends = np.broadcast_to(np.array([-shutter / 2, shutter / 2]), (len(frames), 2))
    rotations, focals = _look(camera, turning, frames, ends)
    middle = np.array([camera.width / 2, camera.height / 2]) - camera.principal_point
    ray = np.concatenate([middle / camera.focal[frames][:, None], np.ones((len(frames), 1))], 1)
    world = np.einsum("fji,fj->fi", camera.rotation[frames], ray)
    seen = np.einsum("feij,fj->fei", rotations, world)
    flat = focals[..., None] * seen[..., :2] / seen[..., 2:]
    return flat[:, 1] - flat[:, 0]


def smear(picture, way):
    """Blur a picture along `way` (x, y pixels)."""
    length = float(np.hypot(*way))
    if length < 0.7:
        return picture
    reach = int(np.ceil(max(abs(way[0]), abs(way[1])) / 2)) + 1
    size = 2 * reach + 1
    steps = np.linspace(-0.5, 0.5, max(int(3 * length), 3))
    x, y = reach + steps * way[0], reach + steps * way[1]
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    kernel = np.zeros((size + 1, size + 1), np.float32)
    for down, across, share in (
        (0, 0, (1 - (x - column)) * (1 - (y - row))),
        (0, 1, (x - column) * (1 - (y - row))),
        (1, 0, (1 - (x - column)) * (y - row)),
        (1, 1, (x - column) * (y - row)),
    ):
        np.add.at(kernel, (row + down, column + across), share.astype(np.float32))
    kernel = kernel[:size, :size]
    rows, columns = np.flatnonzero(kernel.sum(1) > 1e-6), np.flatnonzero(kernel.sum(0) > 1e-6)
    margin = min(rows[0], columns[0]) if len(rows) > 1 and len(columns) > 1 else None
    if margin is None:  # along one axis: the cheap way
        kernel = kernel[rows[0] : size - rows[0]] if len(columns) == 1 else kernel[:, columns[0] : size - columns[0]]
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _turn_rates(camera, times):
    """Change of rotation and focal length per second at each source frame."""
    if len(times) == 1:
        return np.zeros_like(camera.rotation), np.zeros_like(camera.focal)
    return np.gradient(camera.rotation, times, axis=0), np.gradient(camera.focal, times)


def _look(camera, turning, frames, shift):
    """Rotations [n, e, 3, 3] and focal lengths [n, e] `shift` [n, e] seconds off the frames [n]."""
    rotation = camera.rotation[frames][:, None] + shift[..., None, None] * turning[0][frames][:, None]
    return rotation, camera.focal[frames][:, None] + shift * turning[1][frames][:, None]
