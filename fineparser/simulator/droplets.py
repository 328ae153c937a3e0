"""Flying water: droplets thrown up by an entry or dripping off a diver, drawn as a cloud that lets light through."""

from dataclasses import dataclass

import cv2
import numpy as np

GRAVITY = 9.81
MIST = 0.05  # m over which the finest spray spreads around the drops


@dataclass(frozen=True)
class Droplets:
    """N parcels of water in free flight."""

    birth: np.ndarray
    """Seconds at which each leaves, [N]."""
    position: np.ndarray
    """Where, metres, [N, 3]."""
    velocity: np.ndarray
    """Metres a second, [N, 3]."""
    radius: np.ndarray
    """Metres, [N]."""
    density: np.ndarray
    """Optical thickness at the centre of each parcel, [N]."""
    life: np.ndarray
    """Seconds after which each has thinned out, [N]."""
    jitter: np.ndarray
    """Where within the shutter each is caught, -0.5 to 0.5, [N]: this smears fast water."""

    def at(self, times, shutter):
        """Positions [F, N, 3] and optical thickness [F, N] (0: not in the air) at F times."""
        age = np.asarray(times)[:, None] + self.jitter * shutter - self.birth
        drag = 1 / (1 + 0.35 * np.maximum(age, 0))
        place = self.position + self.velocity * (age * drag)[..., None]
        place[..., 2] -= GRAVITY / 2 * age * age
        alive = (age > 0) & (place[..., 2] > -0.03) & (age < self.life)
        return place, np.where(alive, self.density * (1 - 0.6 * age / self.life), 0)


def draw_droplets(droplets, times, shutter, views, instants, tone):
    """Draw the cloud at F times.

    Args:
        droplets: the water in the air.
        times: [F] seconds.
        shutter: exposure time in seconds.
        views, instants: camera, and the F instants of it that belong to the times.
        tone: RGB 0-255 of the brightest water.

    Returns:
        F items (left, top, premultiplied RGB float32 [h, w, 3], alpha float32 [h, w]), or None where nothing flies.
    """
    if len(droplets.birth) == 0:
        return [None] * len(times)
    place, thickness = droplets.at(times, shutter)
    seen = np.einsum("fij,fnj->fni", views.rotation[instants], place - views.position)
    depth = np.maximum(seen[..., 2], 0.3)
    scale = views.focal[instants][:, None] / depth
    x = scale * seen[..., 0] + views.principal_point[0] - 0.5
    y = scale * seen[..., 1] + views.principal_point[1] - 0.5
    size = scale * droplets.radius
    drawn = []
    width, height = views.size
    for row in range(len(times)):
        margin = 6 + int(3 * size[row].max())
        here = (
            (thickness[row] > 0)
            & (x[row] > -margin)
            & (x[row] < width + margin)
            & (y[row] > -margin)
            & (y[row] < height + margin)
        )
        metre = float(np.median(scale[row]))
        drawn.append(_cloud(x[row][here], y[row][here], size[row][here], thickness[row][here], metre, views.size, tone))
    return drawn


def _cloud(x, y, size, thickness, metre, limits, tone):
    if len(x) < 3:
        return None
    margin = 3 + int(max(2.5 * np.percentile(size, 90), 3 * MIST * metre))
    left, top = int(x.min()) - margin, int(y.min()) - margin
    right, bottom = int(x.max()) + margin + 2, int(y.max()) + margin + 2
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, limits[0]), min(bottom, limits[1])
    if x1 <= x0 or y1 <= y0:
        return None
    wide, tall = right - left, bottom - top
    density = np.zeros((tall, wide), dtype=np.float32)
    middle = np.median(size)
    for chosen in (size <= middle, size > middle):
        if not chosen.any():
            continue
        # Parcels below a pixel still catch as much light as their area.
        sigma = max(float(size[chosen].mean()) * 0.6, 0.35)
        weight = thickness[chosen] * np.minimum(size[chosen] / 0.6, 1) ** 2 * (2 * np.pi * sigma**2)
        grid = _scatter(x[chosen] - left, y[chosen] - top, weight, tall, wide)
        density += cv2.GaussianBlur(grid, (0, 0), sigma)
    # Between the drops hangs what is too fine to be seen as drops.
    mist = cv2.GaussianBlur(density, (0, 0), max(MIST * metre, 0.5))
    density = 0.8 * density + 0.7 * mist
    density = density[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = 1 - np.exp(-density)
    around = cv2.blur(density, (5, 5) if metre < 60 else (13, 13))
    # Thick water seen against thinner water above it is brighter on top, greyer below.
    above = np.roll(around, 2, axis=0)
    shade = np.clip(0.92 + 0.2 * (density - above) / (around + 0.3), 0.66, 1.0)
    colour = (alpha * shade)[..., None] * np.asarray(tone, np.float32)
    return x0, y0, colour, alpha


def _scatter(x, y, weight, height, width):
    """Spread weights bilinearly over the pixel centres around (x, y)."""
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, down = x - column, y - row
    base = row * width + column
    index = np.concatenate([base, base + 1, base + width, base + width + 1])
    shares = np.concatenate([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down])
    inside = (index >= 0) & (index < height * width)
    total = np.bincount(index[inside], weights=(np.tile(weight, 4) * shares)[inside], minlength=height * width)
    return total.reshape(height, width).astype(np.float32)
