"""What a picture of a dive is made of, layer by layer: how much of each pixel bodies, flying water and foam take.

Pictures show them one through the other; what looks at pictures has to tell them apart. Each layer is whole, whatever
lies before it, and what drips off a diver in flight belongs to none.
"""

import cv2
import numpy as np

from fineparser.simulator.droplets import draw_droplets
from fineparser.simulator.exposure import open_shutter
from fineparser.simulator.limbs import draw_divers
from fineparser.simulator.render import apparent_poses
from fineparser.simulator.site import Light

LAYERS = ("body", "flying water", "foam")
_WHITE = (255, 255, 255)


def draw_layers(camera, performers, shutter, times, frames, size=None):
    """Draw the layers of some frames of a shot.

    Args:
        camera, performers, times, frames, size: as for `fineparser.simulator.render.render`.
        shutter: exposure time in seconds of the dive.

    Returns:
        uint8 [F, H, W, 3], in the order of `LAYERS`: 255 where nothing else of a pixel would be seen.
    """
    frames = np.asarray(frames)
    size = size or (camera.width, camera.height)
    views, instants = open_shutter(camera, frames, times, lambda when: apparent_poses(performers, when), shutter)
    middle = np.cumsum(views.counts) - (views.counts + 1) // 2
    light = Light(direction=np.array([0.0, 0.0, 1.0]), ambient=1.0, colour=(1.0, 1.0, 1.0), exposure=1.0)  # any will do
    bodies, paints = zip(*((performer.body, performer.paint) for performer in performers), strict=True)
    patches = draw_divers(bodies, paints, list(apparent_poses(performers, instants)), views, light, _WHITE)
    clouds = [draw_droplets(p.splash.droplets, times[frames], shutter, views, middle, _WHITE) for p in performers]
    layers = np.empty((len(frames), size[1], size[0], len(LAYERS)), np.uint8)
    for row, patch in enumerate(patches):
        shares = np.zeros((*views.size[::-1], len(LAYERS)), np.float32)
        if patch is not None:
            shares[..., 0][patch.place] = patch.alpha
        for performer, cloud in zip(performers, clouds, strict=True):
            foam = performer.splash.foam(views, int(middle[row]), float(times[frames[row]]), _WHITE)
            _lay(shares[..., 1], cloud[row])
            _lay(shares[..., 2], foam)
        if size != views.size:
            shares = cv2.resize(shares, size, interpolation=cv2.INTER_AREA)
        layers[row] = np.clip(shares * 255 + 0.5, 0, 255)
    return layers


def _lay(shares, drawn):
    """Lay (left, top, colour, alpha) over the shares [h, w] of a layer."""
    if drawn is None:
        return
    left, top, _, alpha = drawn
    place = shares[top : top + alpha.shape[0], left : left + alpha.shape[1]]
    place += alpha * (1 - place)
