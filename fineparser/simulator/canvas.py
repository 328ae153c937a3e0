"""A panorama to paint on: world geometry in, anti-aliased pixels out, back to front.

Two layers lie over each other: `colour`, everything behind the diver, and `front`, what passes before him. Both are
painted by the same calls; `canvas.in_front()` switches.
"""

import contextlib

import cv2
import numpy as np

NEAR = 0.4  # m; nothing nearer to the lens than this is drawn
SUBPIXEL_BITS = 4
EDGE = 0.7  # pixels that OpenCV's smooth edges add on each side of a filled polygon
SLENDER = 0.125  # m; bars thicker than this are columns and end flat


class Canvas:
    """Paints for one still camera (T = 1).

    `colour` is RGB uint8 [h, w, 3]. `front` is RGBA uint8 [h, w, 4] with colours already multiplied by alpha (what
    anti-aliased drawing over transparent black gives, and what interpolates without dark seams).
    """

    def __init__(self, camera, light):
        self.camera = camera
        self.light = light
        self.shape = (camera.height, camera.width)
        self.colour = np.zeros((*self.shape, 3), np.uint8)
        self.front = np.zeros((*self.shape, 4), np.uint8)
        self.front_used = False
        self.dim = 1.0
        self._target = self.colour
        self._rotation = np.ascontiguousarray(camera.rotation[0].T)
        self._focal = float(camera.focal[0])
        self._centre = np.array(camera.principal_point) - 0.5  # OpenCV counts from pixel centres

    @contextlib.contextmanager
    def in_front(self, yes=True):
        """Paint on the layer that passes in front of the diver while the block lasts."""
        before = self._target
        if yes:
            self._target, self.front_used = self.front, True
        try:
            yield self
        finally:
            self._target = before

    @contextlib.contextmanager
    def dimmed(self, factor):
        """Paint darker while the block lasts (unlit stands behind a lit pool)."""
        before, self.dim = self.dim, self.dim * factor
        try:
            yield self
        finally:
            self.dim = before

    def locate(self, points):
        """Canvas pixels [..., 2] (OpenCV's, centres at integers) and depth [...] of world points [..., 3]."""
        seen = (np.asarray(points, dtype=float) - self.camera.position) @ self._rotation
        depth = seen[..., 2]
        return self._focal * seen[..., :2] / np.maximum(depth, 1e-3)[..., None] + self._centre, depth

    def pixels_per_metre(self, point):
        """How large a metre facing the camera is drawn at a world point."""
        depth = float((np.asarray(point, dtype=float) - self.camera.position) @ self._rotation[:, 2])
        return self._focal / max(depth, NEAR)

    def shade(self, colour, normal):
        """Colour of a matt face with the given unit normal in the scene's light."""
        light = self.light
        strength = light.ambient + (1 - light.ambient) * max(0.0, float(np.dot(normal, light.direction)))
        return np.asarray(colour, dtype=float) * strength

    def _ink(self, colour):
        red, green, blue = (min(max(float(value) * self.dim, 0.0), 255.0) for value in colour[:3])
        alpha = float(colour[3]) / 255 if len(colour) > 3 else 1.0
        if self._target is self.front:
            return (red * alpha, green * alpha, blue * alpha, 255 * alpha)
        return (red, green, blue)

    def fill(self, pixels, colour):
        """Fill one convex polygon given in canvas pixels [n, 2]."""
        corners = np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(self._target, corners, self._ink(colour), cv2.LINE_AA, SUBPIXEL_BITS)

    def polygons(self, points, colours):
        """Fill convex polygons [m, n, 3] in the order given, with colours [m, 3] (0..255)."""
        pixels, depth = self.locate(points)
        nearest, furthest = depth.min(1), depth.max(1)
        low, high = pixels.min(1), pixels.max(1)
        whole = nearest > NEAR
        outside = (high < 0).any(1) | (low[:, 0] > self.shape[1]) | (low[:, 1] > self.shape[0])
        fixed = np.rint(np.clip(pixels, -1e6, 1e6) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        for index in np.flatnonzero((furthest > NEAR) & ~(whole & outside)):
            if whole[index]:
                cv2.fillConvexPoly(self._target, fixed[index], self._ink(colours[index]), cv2.LINE_AA, SUBPIXEL_BITS)
            else:
                clipped = self._clip(points[index])
                if len(clipped) > 2:
                    self.fill(np.clip(self.locate(clipped)[0], -1e6, 1e6), colours[index])

    def polygon(self, points, colour):
        """Fill one convex polygon [n, 3]."""
        self.polygons(np.asarray(points, dtype=float)[None], [colour])

    def _clip(self, points):
        """Corners of what lies beyond the near plane (Sutherland and Hodgman)."""
        depth = (points - self.camera.position) @ self._rotation[:, 2] - NEAR * 1.01
        kept = []
        for index in range(len(points)):
            before = index - 1
            if (depth[before] > 0) != (depth[index] > 0):
                share = depth[before] / (depth[before] - depth[index])
                kept.append(points[before] + share * (points[index] - points[before]))
            if depth[index] > 0:
                kept.append(points[index])
        return np.array(kept)

    def box(self, low, high, colour, top=None):
        """A shaded box with edges along the world axes; `top` overrides the colour of its upper face."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        eye = self.camera.position
        faces, colours = [], []

        def add(corners, normal, paint):
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

    def tubes(self, starts, ends, radii, colours, shine=0.25):
        """Round bars [m, 3] to [m, 3] with radii [m] or [m, 2] (start, end) in metres, drawn in the order given.

        A lighter stripe on the side towards the light makes them round where they are wide enough to see it.
        """
        starts, ends = np.asarray(starts, dtype=float), np.asarray(ends, dtype=float)
        radii = np.asarray(radii, dtype=float)
        radii = np.stack([radii, radii], -1) if radii.ndim == 1 else radii
        pixels, depth = self.locate(np.stack([starts, ends], 1))  # [m, 2, 2], [m, 2]
        half = self._focal * radii / np.maximum(depth, NEAR)  # [m, 2]
        along = pixels[:, 1] - pixels[:, 0]
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
        across = np.stack([-along[:, 1], along[:, 0]], -1) / length[:, None]
        drawn = np.maximum(half - EDGE, 0.1)[:, :, None] * across[:, None]
        outline = np.stack(
            [
                pixels[:, 0] - drawn[:, 0],
                pixels[:, 0] + drawn[:, 0],
                pixels[:, 1] + drawn[:, 1],
                pixels[:, 1] - drawn[:, 1],
            ],
            1,
        )
        low, high = outline.min(1), outline.max(1)
        seen = (depth > NEAR).all(1) & ~((high < 0).any(1) | (low[:, 0] > self.shape[1]) | (low[:, 1] > self.shape[0]))
        sun = self.light.direction @ self._rotation  # camera axes of the direction towards the light
        for index in np.flatnonzero(seen):
            colour = np.asarray(colours[index], dtype=float)
            thickness = half[index].max()
            if thickness < EDGE:  # thinner than a pixel: fade instead of vanishing in steps
                self._faint(pixels[index], colour, thickness / EDGE)
                continue
            rounded = thickness > 1.5
            edge = 1 - 0.55 * shine if rounded else 1.0
            self.fill(outline[index], colour * edge)
            if rounded:
                for end in (0, 1):
                    if radii[index, end] < SLENDER:
                        self._disc(pixels[index, end], half[index, end], colour * edge)
                lit = 0.45 if across[index] @ sun[:2] > 0 else -0.45
                shift = lit * drawn[index]
                stripe = np.stack([pixels[index, 0], pixels[index, 1]]) + shift
                inner = 0.42 * drawn[index]
                ring = np.stack(
                    [stripe[0] - inner[0], stripe[0] + inner[0], stripe[1] + inner[1], stripe[1] - inner[1]]
                )
                self.fill(ring, np.minimum(colour * (1 + shine), 255))

    def _faint(self, ends, colour, strength):
        """A line thinner than a pixel, mixed with what lies under it."""
        if self._target is self.front:
            ink = np.append(colour[:3], 255 * strength)
        else:
            middle = np.clip(ends.mean(0), 0, np.array(self.shape[::-1]) - 1).astype(int)
            under = self._target[middle[1], middle[0], :3].astype(float) / max(self.dim, 1e-3)
            ink = under + strength * (colour - under)
        fixed = np.rint(np.clip(ends, -1e5, 1e5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.line(self._target, fixed[0], fixed[1], self._ink(ink), 1, cv2.LINE_AA, SUBPIXEL_BITS)

    def _disc(self, centre, radius, colour):
        fixed = np.rint(centre * (1 << SUBPIXEL_BITS)).astype(int)
        size = round(max(float(radius) - EDGE, 0.1) * (1 << SUBPIXEL_BITS))
        cv2.circle(
            self._target, (int(fixed[0]), int(fixed[1])), size, self._ink(colour), -1, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def ball(self, centre, radius, colour):
        """A round thing of `radius` metres at a world point."""
        pixel, depth = self.locate(centre)
        if depth > NEAR and (np.abs(pixel) < 1e5).all():
            self._disc(pixel, self._focal * radius / depth, colour)

    def path(self, points, radius, colour, shine=0.25):
        """A bent bar through world points [n, 3]."""
        points = np.asarray(points, dtype=float)
        count = len(points) - 1
        self.tubes(points[:-1], points[1:], np.full(count, radius), [colour] * count, shine)

    def mount(self, corners, paint, detail=1.0, limit=1500):
        """Hang a flat picture in the scene.

        Args:
            corners: [4, 3] world points: top left, top right, bottom right, bottom left.
            paint: function (width px, height px) -> uint8 [h, w, 3] or [h, w, 4] (straight alpha); asked for as many
                pixels as the picture will cover, times `detail`.
            limit: most pixels asked for along an edge.
        """
        corners = np.asarray(corners, dtype=float)
        pixels, depth = self.locate(corners)
        if depth.min() <= NEAR:
            return
        low, high = np.floor(pixels.min(0)).astype(int) - 1, np.ceil(pixels.max(0)).astype(int) + 2
        low, high = np.maximum(low, 0), np.minimum(high, self.shape[::-1])
        if (high - low < 1).any():
            return
        edges = np.linalg.norm(np.roll(pixels, -1, 0) - pixels, axis=1)
        wide = int(np.clip(round(detail * max(edges[0], edges[2])), 2, limit))
        tall = int(np.clip(round(detail * max(edges[1], edges[3])), 2, limit))
        picture = paint(wide, tall)
        tall, wide = picture.shape[:2]
        flat = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, tall - 0.5], [-0.5, tall - 0.5]], np.float32)
        place = cv2.getPerspectiveTransform(flat, (pixels - low).astype(np.float32))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        shown = cv2.warpPerspective(picture, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        cover = np.zeros((size[1], size[0]), np.uint8)
        outline = np.rint((pixels - low) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(cover, outline, 255, cv2.LINE_AA, SUBPIXEL_BITS)
        self.blend(low, shown, cover)

    def blend(self, corner, picture, cover):
        """Lay a picture [h, w, 3 or 4] with coverage [h, w] (0..255) over the layer at a pixel (x, y)."""
        tall, wide = picture.shape[:2]
        area = self._target[corner[1] : corner[1] + tall, corner[0] : corner[0] + wide]
        if picture.shape[2] == 4:
            cover = cv2.multiply(cover, picture[..., 3], scale=1 / 255)
        alpha = cv2.merge([cover] * area.shape[2])
        ink = cv2.convertScaleAbs(np.ascontiguousarray(picture[..., :3]), alpha=self.dim)
        if area.shape[2] == 4:
            ink = cv2.merge([*cv2.split(ink), np.full((tall, wide), 255, np.uint8)])
        over = cv2.multiply(ink, alpha, scale=1 / 255)
        area[:] = cv2.add(over, cv2.multiply(np.ascontiguousarray(area), cv2.bitwise_not(alpha), scale=1 / 255))

    def soften(self, sigma):
        """Blur what has been painted behind the diver so far by `sigma` thousandths of the lens's focal length."""
        blur = sigma * self._focal / 1000
        if blur > 0.3:
            self.colour[:] = cv2.GaussianBlur(self.colour, (0, 0), blur)

    def visible_span(self, axis, at, limit):
        """Interval of the other horizontal axis that can be seen on the upright plane x (0) or y (1) = `at`.

        Returns (low, high) in metres within +-limit, or None where the plane is out of sight.
        """
        tall, wide = self.shape
        across, down = np.meshgrid(np.linspace(0, wide, 7), np.linspace(0, tall, 7))
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
