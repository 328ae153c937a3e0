"""Canvas of a panorama: world geometry in, anti-aliased pixels out, back to front.

It has two layers: `colour`, everything behind the diver, and `foreground`, everything in front. Both are painted by the
same calls; `canvas.in_foreground()` selects the layer.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from fineparser.simulator.filming.camera import Camera
from fineparser.simulator.venue.texture import Colour
from fineparser.simulator.venue.venue import Light

Point = Sequence[float] | np.ndarray
"""World coordinates, metres."""

NEAR_PLANE_M = 0.4
"""Distance from the lens below which nothing is painted, metres."""
SUBPIXEL_BITS = 4
ANTIALIASING_PX = 0.7
"""Width that OpenCV's anti-aliasing adds on each side of a filled polygon, pixels."""
MAX_ROUND_END_RADIUS_M = 0.125
"""Radius above which bars are columns with flat ends, metres."""


class Canvas:
    """Canvas of a camera with one frame (T = 1).

    `colour` is RGB uint8 [h, w, 3]. `foreground` is RGBA uint8 [h, w, 4] with colours already multiplied by alpha (what
    anti-aliased drawing over transparent black gives, and what interpolates without dark seams).
    """

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera = camera
        self.light = light
        self.shape = (camera.height, camera.width)
        self.colour = np.zeros((*self.shape, 3), np.uint8)
        self.foreground = np.zeros((*self.shape, 4), np.uint8)
        self.foreground_used = False
        self.dim = 1.0
        self._target = self.colour
        self._rotation = np.ascontiguousarray(camera.rotation[0].T)
        self._focal = float(camera.focal[0])
        self._centre = np.array(camera.principal_point) - 0.5  # OpenCV counts from pixel centres

    @contextlib.contextmanager
    def in_foreground(self, condition: bool = True) -> "Iterator[Canvas]":
        """Paint on the foreground layer while the block lasts, if `condition` holds."""
        before = self._target
        if condition:
            self._target, self.foreground_used = self.foreground, True
        try:
            yield self
        finally:
            self._target = before

    @contextlib.contextmanager
    def dimmed(self, factor: float) -> "Iterator[Canvas]":
        """Paint darker while the block lasts (unlit stands behind a lit pool)."""
        before, self.dim = self.dim, self.dim * factor
        try:
            yield self
        finally:
            self.dim = before

    def project(self, points: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Canvas pixels [..., 2] (OpenCV's, centres at integers) and depth [...] of world points [..., 3]."""
        in_camera = (np.asarray(points, dtype=float) - self.camera.position) @ self._rotation
        depth = in_camera[..., 2]
        return self._focal * in_camera[..., :2] / np.maximum(depth, 1e-3)[..., None] + self._centre, depth

    def pixels_per_metre(self, point: npt.ArrayLike) -> float:
        """Size of a metre that faces the camera at a world point, in pixels."""
        depth = float((np.asarray(point, dtype=float) - self.camera.position) @ self._rotation[:, 2])
        return self._focal / max(depth, NEAR_PLANE_M)

    def shade(self, colour: Colour, normal: npt.ArrayLike) -> np.ndarray:
        """Colour of a matt face with the given unit normal in the scene's light."""
        light = self.light
        strength = light.ambient + (1 - light.ambient) * max(0.0, float(np.dot(normal, light.direction)))
        return np.asarray(colour, dtype=float) * strength

    def _paint_value(self, colour: Colour) -> tuple[float, ...]:
        red, green, blue = (min(max(float(value) * self.dim, 0.0), 255.0) for value in colour[:3])
        alpha = float(colour[3]) / 255 if len(colour) > 3 else 1.0
        if self._target is self.foreground:
            return (red * alpha, green * alpha, blue * alpha, 255 * alpha)
        return (red, green, blue)

    def fill(self, pixels: np.ndarray, colour: Colour) -> None:
        """Fill one convex polygon given in canvas pixels [n, 2]."""
        corners = np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(self._target, corners, self._paint_value(colour), cv2.LINE_AA, SUBPIXEL_BITS)

    def polygons(self, points: npt.ArrayLike, colours: Sequence[Colour] | np.ndarray) -> None:
        """Fill convex polygons [m, n, 3] in the order given, with colours [m, 3] (0..255)."""
        points = np.asarray(points, dtype=float)
        pixels, depth = self.project(points)
        nearest, furthest = depth.min(1), depth.max(1)
        low, high = pixels.min(1), pixels.max(1)
        whole = nearest > NEAR_PLANE_M
        outside = (high < 0).any(1) | (low[:, 0] > self.shape[1]) | (low[:, 1] > self.shape[0])
        fixed = np.rint(np.clip(pixels, -1e6, 1e6) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        for index in np.flatnonzero((furthest > NEAR_PLANE_M) & ~(whole & outside)).tolist():
            if whole[index]:
                cv2.fillConvexPoly(
                    self._target, fixed[index], self._paint_value(colours[index]), cv2.LINE_AA, SUBPIXEL_BITS
                )
            else:
                clipped = self._clip(points[index])
                if len(clipped) > 2:
                    self.fill(np.clip(self.project(clipped)[0], -1e6, 1e6), colours[index])

    def polygon(self, points: npt.ArrayLike, colour: Colour) -> None:
        """Fill one convex polygon [n, 3]."""
        self.polygons(np.asarray(points, dtype=float)[None], [colour])

    def _clip(self, points: np.ndarray) -> np.ndarray:
        """Corners of the part beyond the near plane (Sutherland and Hodgman)."""
        depth = (points - self.camera.position) @ self._rotation[:, 2] - NEAR_PLANE_M * 1.01
        corners = []
        for index in range(len(points)):
            before = index - 1
            if (depth[before] > 0) != (depth[index] > 0):
                share = depth[before] / (depth[before] - depth[index])
                corners.append(points[before] + share * (points[index] - points[before]))
            if depth[index] > 0:
                corners.append(points[index])
        return np.array(corners)

    def box(self, low: Point, high: Point, colour: Colour, top: Colour | None = None) -> None:
        """Paint a shaded box with edges along the world axes; `top` overrides the colour of its upper face."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        eye = self.camera.position
        faces, colours = [], []

        def add(corners: list[Point], normal: Point, paint: Colour) -> None:
            faces.append(corners)
            colours.append(self.shade(paint, normal))

        if eye[0] > x1:
            add([(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], (1, 0, 0), colour)
        elif eye[0] < x0:
            add([(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)], (-1, 0, 0), colour)
        if eye[1] > y1:
            add([(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], (0, 1, 0), colour)
        elif eye[1] < y0:
            add([(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], (0, -1, 0), colour)
        if eye[2] > z1:
            add([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], (0, 0, 1), colour if top is None else top)
        elif eye[2] < z0:
            add([(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)], (0, 0, -1), colour)
        if faces:
            self.polygons(np.array(faces, dtype=float), colours)

    def tubes(
        self,
        starts: npt.ArrayLike,
        ends: npt.ArrayLike,
        radii: npt.ArrayLike,
        colours: Sequence[Colour] | np.ndarray,
        shine: float = 0.25,
    ) -> None:
        """Paint round bars [m, 3] to [m, 3] with radii [m] or [m, 2] (start, end) in metres, in the order given.

        Wide bars get a lighter stripe on the side towards the light.
        """
        starts, ends = np.asarray(starts, dtype=float), np.asarray(ends, dtype=float)
        radii = np.asarray(radii, dtype=float)
        radii = np.stack([radii, radii], -1) if radii.ndim == 1 else radii
        pixels, depth = self.project(np.stack([starts, ends], 1))  # [m, 2, 2], [m, 2]
        half = self._focal * radii / np.maximum(depth, NEAR_PLANE_M)  # [m, 2]
        along = pixels[:, 1] - pixels[:, 0]
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
        across = np.stack([-along[:, 1], along[:, 0]], -1) / length[:, None]
        edge_offset = np.maximum(half - ANTIALIASING_PX, 0.1)[:, :, None] * across[:, None]
        quad = np.stack(
            [
                pixels[:, 0] - edge_offset[:, 0],
                pixels[:, 0] + edge_offset[:, 0],
                pixels[:, 1] + edge_offset[:, 1],
                pixels[:, 1] - edge_offset[:, 1],
            ],
            1,
        )
        low, high = quad.min(1), quad.max(1)
        visible = (depth > NEAR_PLANE_M).all(1) & ~(
            (high < 0).any(1) | (low[:, 0] > self.shape[1]) | (low[:, 1] > self.shape[0])
        )
        sun = self.light.direction @ self._rotation  # camera axes of the direction towards the light
        for index in np.flatnonzero(visible).tolist():
            colour = np.array(colours[index], dtype=np.float64)
            thickness = half[index].max()
            if thickness < ANTIALIASING_PX:  # thinner than a pixel: fade instead of vanishing in steps
                self._thin_line(pixels[index], colour, thickness / ANTIALIASING_PX)
                continue
            rounded = thickness > 1.5
            edge = 1 - 0.55 * shine if rounded else 1.0
            self.fill(quad[index], colour * edge)
            if rounded:
                for end in (0, 1):
                    if radii[index, end] < MAX_ROUND_END_RADIUS_M:
                        self._disc(pixels[index, end], half[index, end], colour * edge)
                lit = 0.45 if across[index] @ sun[:2] > 0 else -0.45
                shift = lit * edge_offset[index]
                stripe = np.stack([pixels[index, 0], pixels[index, 1]]) + shift
                inner = 0.42 * edge_offset[index]
                ring = np.stack(
                    [stripe[0] - inner[0], stripe[0] + inner[0], stripe[1] + inner[1], stripe[1] - inner[1]]
                )
                self.fill(ring, np.minimum(colour * (1 + shine), 255))

    def _thin_line(self, ends: np.ndarray, colour: np.ndarray, strength: float) -> None:
        """Paint a line thinner than a pixel, mixed with the colour under it."""
        if self._target is self.foreground:
            paint_colour = np.append(colour[:3], 255 * strength)
        else:
            middle = np.clip(ends.mean(0), 0, np.array(self.shape[::-1]) - 1).astype(int)
            under = self._target[middle[1], middle[0], :3].astype(float) / max(self.dim, 1e-3)
            paint_colour = under + strength * (colour - under)
        fixed = np.rint(np.clip(ends, -1e5, 1e5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.line(self._target, fixed[0], fixed[1], self._paint_value(paint_colour), 1, cv2.LINE_AA, SUBPIXEL_BITS)

    def _disc(self, centre: np.ndarray, radius: float, colour: Colour) -> None:
        fixed = np.rint(centre * (1 << SUBPIXEL_BITS)).astype(int)
        size = round(max(float(radius) - ANTIALIASING_PX, 0.1) * (1 << SUBPIXEL_BITS))
        cv2.circle(
            self._target,
            (int(fixed[0]), int(fixed[1])),
            size,
            self._paint_value(colour),
            -1,
            cv2.LINE_AA,
            SUBPIXEL_BITS,
        )

    def ball(self, centre: npt.ArrayLike, radius: float, colour: Colour) -> None:
        """Paint a ball of `radius` metres at a world point."""
        pixel, depth = self.project(centre)
        if depth > NEAR_PLANE_M and (np.abs(pixel) < 1e5).all():
            self._disc(pixel, self._focal * radius / float(depth), colour)

    def path(self, points: npt.ArrayLike, radius: float, colour: Colour, shine: float = 0.25) -> None:
        """Paint a bent bar through world points [n, 3]."""
        points = np.asarray(points, dtype=float)
        count = len(points) - 1
        self.tubes(points[:-1], points[1:], np.full(count, radius), [colour] * count, shine)

    def place_image(
        self, corners: npt.ArrayLike, paint: Callable[[int, int], np.ndarray], detail: float = 1.0, limit: int = 1500
    ) -> None:
        """Place a flat image in the scene.

        Args:
            corners: [4, 3] world points: top left, top right, bottom right, bottom left.
            paint: function (width px, height px) -> uint8 [h, w, 3] or [h, w, 4] (straight alpha); called for as many
                pixels as the image will cover, times `detail`.
            limit: greatest number of pixels along an edge.
        """
        corners = np.asarray(corners, dtype=float)
        pixels, depth = self.project(corners)
        if depth.min() <= NEAR_PLANE_M:
            return
        low, high = np.floor(pixels.min(0)).astype(int) - 1, np.ceil(pixels.max(0)).astype(int) + 2
        low, high = np.maximum(low, 0), np.minimum(high, self.shape[::-1])
        if (high - low < 1).any():
            return
        edges = np.linalg.norm(np.roll(pixels, -1, 0) - pixels, axis=1)
        width = int(np.clip(round(detail * max(edges[0], edges[2])), 2, limit))
        height = int(np.clip(round(detail * max(edges[1], edges[3])), 2, limit))
        image = paint(width, height)
        height, width = image.shape[:2]
        flat = np.array(
            [[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]], np.float32
        )
        place = cv2.getPerspectiveTransform(flat, (pixels - low).astype(np.float32))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        warped = cv2.warpPerspective(image, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        cover = np.zeros((size[1], size[0]), np.uint8)
        quad = np.rint((pixels - low) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(cover, quad, 255, cv2.LINE_AA, SUBPIXEL_BITS)
        self.blend(low, warped, cover)

    def blend(self, corner: np.ndarray, image: np.ndarray, cover: np.ndarray) -> None:
        """Composite an image [h, w, 3 or 4] with coverage [h, w] (0..255) over the layer at a pixel (x, y)."""
        height, width = image.shape[:2]
        area = self._target[corner[1] : corner[1] + height, corner[0] : corner[0] + width]
        if image.shape[2] == 4:
            cover = cv2.multiply(cover, image[..., 3], scale=1 / 255)
        alpha = cv2.merge([cover] * area.shape[2])
        paint_colour = cv2.convertScaleAbs(np.ascontiguousarray(image[..., :3]), alpha=self.dim)
        if area.shape[2] == 4:
            paint_colour = cv2.merge([*cv2.split(paint_colour), np.full((height, width), 255, np.uint8)])
        over = cv2.multiply(paint_colour, alpha, scale=1 / 255)
        area[:] = cv2.add(over, cv2.multiply(np.ascontiguousarray(area), cv2.bitwise_not(alpha), scale=1 / 255))

    def blur(self, sigma: float) -> None:
        """Blur everything painted behind the diver so far by `sigma` thousandths of the focal length."""
        blur = sigma * self._focal / 1000
        if blur > 0.3:
            self.colour[:] = cv2.GaussianBlur(self.colour, (0, 0), blur)

    def visible_span(self, axis: int, at: float, limit: float) -> tuple[float, float] | None:
        """Visible interval of the other horizontal axis on the upright plane x (0) or y (1) = `at`.

        Returns (low, high) in metres within +-limit, or None if the plane is not visible.
        """
        height, width = self.shape
        across, down = np.meshgrid(np.linspace(0, width, 7), np.linspace(0, height, 7))
        rays = self.camera.rays(np.stack([across, down], -1)).reshape(-1, 3)
        distance = at - self.camera.position[axis]
        steep = rays[:, axis] * np.sign(distance)
        hit = steep > 0.02
        if not hit.any():
            return None
        other = 1 - axis
        places = self.camera.position[other] + rays[hit, other] / steep[hit] * abs(distance)
        low, high = max(places.min(), -limit), min(places.max(), limit)
        return (low, high) if high > low else None
