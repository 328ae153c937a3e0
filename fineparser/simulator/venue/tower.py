"""The diving tower and springboard stands: slabs, rails, posts, stairs, ladders and braces."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from fineparser.simulator.venue.board import BLADE_LENGTH_M, BLADE_WIDTH_M, Board
from fineparser.simulator.venue.bystanders import build_bystander, sample_outfit
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.lettering import draw_banner
from fineparser.simulator.venue.texture import Colour, solid_image
from fineparser.simulator.venue.venue import RGB, Venue, hsv_colour

BLADE_COLOURS = ((150, 205, 200), (185, 215, 210), (120, 190, 200), (205, 205, 195), (90, 130, 170), (225, 225, 215))
PLATFORM_DEPTH_M = 6.0
"""Length of a platform from its tip to its rear, metres."""


def sample_board(
    rng: np.random.Generator, venue: Venue, height: float, springboard: bool, partner: float | None
) -> Board:
    """Sample the board or platform that the diver leaves from; `partner` is y of a second diver, metres."""
    if springboard:
        return Board(
            kind="springboard",
            height=height,
            colour=BLADE_COLOURS[int(rng.integers(len(BLADE_COLOURS)))],
            thickness=0.05,
            width=BLADE_WIDTH_M,
            fulcrum=float(rng.uniform(-2.5, -1.9)),
            partner=partner,
        )
    colour: RGB = venue.deck
    if rng.random() >= 0.5:
        colour = hsv_colour(rng, 0.58, 0.6, 0.8) if rng.random() < 0.3 else (205, 205, 200)
    return Board(
        kind="platform",
        height=height,
        colour=colour,
        thickness=float(rng.uniform(0.2, 0.5)),
        width=float(rng.uniform(2.0, 3.0)) + (abs(partner) if partner else 0.0),
        centre=partner / 2 if partner else 0.0,
        partner=partner,
    )


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Slab of a platform. Lengths in metres."""

    tip: float
    """x of the edge over the water."""
    centre: float
    """y of the middle line."""
    height: float
    """Height of the upper face above the water."""
    width: float
    thickness: float
    colour: Colour
    """Colour of the upper face."""

    @property
    def rear(self) -> float:
        """x of the rear edge."""
        return self.tip - PLATFORM_DEPTH_M


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Another board or platform beside the one in use. Lengths in metres."""

    y: float
    height: float
    kind: str
    """"springboard" or "platform"."""
    tip: float
    """x of its edge over the water."""


class Tower:
    """Painter of the structure in use and its neighbours; its materials are sampled once per scene."""

    def __init__(self, rng: np.random.Generator, venue: Venue, board: Board) -> None:
        self.rng, self.venue, self.board = rng, venue, board
        tone = rng.uniform(90, 240)
        self.concrete: np.ndarray = np.clip(tone + rng.normal(0, 8, 3), 0, 255)
        if rng.random() < 0.15:
            self.concrete = np.array(venue.theme[int(rng.integers(len(venue.theme)))], dtype=float)
        self.steel: Colour = np.clip(rng.choice([235, 210, 160, 70]) + rng.normal(0, 6, 3), 0, 255)
        if rng.random() < 0.08:
            self.steel = hsv_colour(rng, rng.random(), 0.7, 0.75)
        self.rail_radius = float(rng.uniform(0.018, 0.035))
        self.rail_bars = int(rng.integers(2, 5))
        self.curved = bool(rng.random() < 0.4)
        self.printed_edge = rng.random() < 0.6

    def paint(self, canvas: Canvas) -> None:
        """Paint everything, far structures first. Near neighbours pass in front of the diver."""
        rng, venue, board = self.rng, self.venue, self.board
        side = venue.side
        neighbours = self._sample_neighbours()
        for neighbour in self._far_to_near(spot for spot in neighbours if spot.y * side < 0):
            self._paint_neighbour(canvas, neighbour)
        if board.kind == "platform":
            self._paint_platform_tower(canvas)
        else:
            blades = [0.0] if board.partner is None else sorted([0.0, board.partner], key=lambda y: side * y)
            for y in blades:
                self._paint_springboard_stand(canvas, y, board)
        for neighbour in self._far_to_near(spot for spot in neighbours if spot.y * side > 0):
            with canvas.in_foreground(canvas.camera.position[1] * side > abs(neighbour.y) + 2 and rng.random() < 0.7):
                self._paint_neighbour(canvas, neighbour)

    def shadows(self) -> list[np.ndarray]:
        """Polygons overhead that darken the water."""
        board = self.board
        half = board.width / 2
        return [np.array([(-3.0, board.centre - half, board.height), (0.0, board.centre + half, board.height)])]

    def _far_to_near(self, neighbours: Iterable[Neighbour]) -> list[Neighbour]:
        return sorted(neighbours, key=lambda neighbour: self.venue.side * neighbour.y)

    def _paint_platform_tower(self, canvas: Canvas) -> None:
        """Paint the platform in use, with supports, stairs and sometimes lower platforms."""
        rng, board = self.rng, self.board
        in_use = Platform(
            tip=0.0,
            centre=board.centre,
            height=board.height,
            width=board.width,
            thickness=board.thickness,
            colour=board.colour,
        )
        if rng.random() < 0.8:
            self._paint_stairs(canvas, -6.5, board.centre - self.venue.side * rng.uniform(0, 3), board.height)
        self._paint_supports(canvas, in_use)
        for level in (7.5, 5.0, 3.0, 1.0):
            if level < board.height - 1 and rng.random() < 0.35:
                shift = rng.uniform(-0.5, 0.5)
                tip = -rng.uniform(0.7, 1.6)
                width = rng.uniform(1.5, 2.6)
                lower = replace(in_use, tip=tip, centre=shift, height=level, width=width, thickness=0.3)
                self._paint_platform(canvas, lower, near_rail_in_foreground=False)
        self._paint_platform(canvas, in_use, near_rail_in_foreground=True)

    def _paint_platform(self, canvas: Canvas, platform: Platform, near_rail_in_foreground: bool) -> None:
        """Paint one platform with its rails."""
        side = self.venue.side
        near, far = platform.centre + side * platform.width / 2, platform.centre - side * platform.width / 2
        start = platform.tip - self.rng.uniform(0.8, 1.6)
        self._paint_rail(canvas, start, platform.rear, far, platform.height)
        self._paint_slab(canvas, platform)
        with canvas.in_foreground(near_rail_in_foreground):
            self._paint_rail(canvas, start, platform.rear, near, platform.height)

    def _paint_slab(self, canvas: Canvas, platform: Platform) -> None:
        """Paint a platform's slab with its printed edge."""
        tip, rear, height = platform.tip, platform.rear, platform.height
        low, high = platform.centre - platform.width / 2, platform.centre + platform.width / 2
        bottom = height - platform.thickness
        canvas.box((rear, low, bottom), (tip, high, height), self.concrete, top=platform.colour)
        if not self.printed_edge:
            return
        eye = canvas.camera.position
        base = self.venue.theme[int(self.rng.integers(len(self.venue.theme)))]

        def paint(image_width: int, image_height: int) -> np.ndarray:
            if image_height >= 3:
                return draw_banner(self.rng, image_width, image_height, base)
            return solid_image(image_width, image_height, base)

        top, foot = height + 0.02, bottom - 0.05
        if eye[0] > tip:
            left, right = (high, low) if _is_left_of(canvas, (tip, high, top), (tip, low, top)) else (low, high)
            canvas.place_image([(tip, left, top), (tip, right, top), (tip, right, foot), (tip, left, foot)], paint)
        side = high if eye[1] > high else low if eye[1] < low else None
        if side is not None:
            back = tip - 2.5 if self.rng.random() < 0.5 else rear
            left, right = (tip, back) if _is_left_of(canvas, (tip, side, top), (back, side, top)) else (back, tip)
            canvas.place_image([(left, side, top), (right, side, top), (right, side, foot), (left, side, foot)], paint)

    def _paint_rail(self, canvas: Canvas, start: float, end: float, y: float, level: float) -> None:
        """Paint a railing along x from `start` (at the pool's end) back to `end`."""
        height = 1.05
        heights = level + np.linspace(height, height * 0.3, self.rail_bars)
        posts = np.linspace(start, end, max(2, int(abs(end - start) / 1.3)))
        points = [((start, y, z), (end, y, z)) for z in heights]
        points += [((x, y, level), (x, y, heights[0])) for x in posts]
        starts, ends = zip(*points, strict=True)
        canvas.tubes(starts, ends, np.full(len(points), self.rail_radius), [self.steel] * len(points))
        if self.curved:
            angles = np.linspace(0, np.pi / 2, 6)
            for z in heights[:2]:
                drop = (z - level) * (1 - np.cos(angles))
                nose = np.stack([start + 0.7 * np.sin(angles), np.full(6, y), z - drop], -1)
                canvas.path(nose, self.rail_radius * 1.2, self.steel)

    def _paint_supports(self, canvas: Canvas, platform: Platform) -> None:
        """Paint the support of a platform: a wall, columns or a slanted strut."""
        rng = self.rng
        rear, centre, height, width = platform.rear, platform.centre, platform.height, platform.width
        kind, deck = rng.random(), self.venue.deck_level
        if kind < 0.4:
            half = rng.uniform(0.3, 0.6)
            canvas.box(
                (rear + 0.4, centre - half, deck),
                (rear + rng.uniform(1.2, 3.0), centre + half, height - 0.2),
                self.concrete,
            )
        elif kind < 0.75:
            for x in (rear + 0.5, rear + rng.uniform(2, 4)):
                for y in (centre - width * 0.4, centre + width * 0.4):
                    canvas.tubes([(x, y, deck)], [(x, y, height - 0.2)], [rng.uniform(0.1, 0.25)], [self.concrete])
        else:
            foot, head = (rear + 0.3, centre, deck), (rear + 4.5, centre, height - 0.3)
            canvas.tubes([foot], [head], [rng.uniform(0.2, 0.45)], [self.concrete])
            canvas.tubes([foot], [(rear + 0.3, centre, height)], [0.3], [self.concrete])

    def _paint_stairs(self, canvas: Canvas, foot_x: float, y: float, top: float) -> None:
        """Paint flights of stairs behind the platforms, with treads and handrails."""
        rng, level, forward = self.rng, self.venue.deck_level, -1
        x, flight = foot_x, 0
        while level < top - 0.3 and flight < 8:
            rise = min(rng.uniform(2.2, 3.2), top - level)
            run = forward * rise * 1.1
            starts = [(x, y + sign * 0.45, level) for sign in (-1, 1)]
            ends = [(x + run, y + sign * 0.45, level + rise) for sign in (-1, 1)]
            for lift in (0.5, 1.0):
                starts += [(x, y + sign * 0.45, level + lift) for sign in (-1, 1)]
                ends += [(x + run, y + sign * 0.45, level + rise + lift) for sign in (-1, 1)]
            radii = [0.1, 0.1] + [self.rail_radius] * 4
            for share in np.linspace(0.05, 0.95, int(rise / 0.2)):
                step = (x + share * run, level + share * rise)
                starts.append((step[0], y - 0.45, step[1]))
                ends.append((step[0], y + 0.45, step[1]))
                radii.append(0.05)
            colours = [self.concrete] * 2 + [self.steel] * 4 + [self.concrete] * (len(starts) - 6)
            canvas.tubes(starts, ends, radii, colours)
            x, level, forward, flight = x + run, level + rise, -forward, flight + 1

    def _paint_springboard_stand(self, canvas: Canvas, y: float, board: Board) -> None:
        """Paint stand, fulcrum and rails of a springboard at y.

        The blade is painted for boards that are not in use; a blade in use bends, so it is drawn per frame.
        """
        rng, side, height = self.rng, self.venue.side, board.height
        in_use = board is self.board
        fulcrum = board.fulcrum
        deck = self.venue.deck_level
        solid = rng.random() < 0.5
        if solid:
            half = rng.uniform(0.3, 0.7)
            canvas.box(
                (-BLADE_LENGTH_M - 0.4, y - half, deck),
                (fulcrum + 0.4, y + half, height - rng.uniform(0.3, 0.5)),
                self.concrete,
            )
        else:
            for x in (-BLADE_LENGTH_M, fulcrum):
                canvas.box((x - 0.15, y - 0.35, deck), (x + 0.15, y + 0.35, height - 0.25), self.steel)
            canvas.box((-BLADE_LENGTH_M, y - 0.3, height - 0.35), (fulcrum + 0.3, y + 0.3, height - 0.25), self.steel)
        canvas.tubes([(fulcrum, y - 0.42, height - 0.15)], [(fulcrum, y + 0.42, height - 0.15)], [0.1], [(60, 62, 66)])
        canvas.ball((fulcrum, y + side * 0.5, height - 0.15), 0.2, self.steel)
        if height >= 2.5:
            starts = [(-BLADE_LENGTH_M - 0.3, y - 0.3, deck + 0.28 * i) for i in range(int(height / 0.3))]
            ends = [(x, y + 0.3, z) for x, _, z in starts]
            canvas.tubes(starts, ends, np.full(len(starts), 0.02), [self.steel] * len(starts))
        with_rail = height >= 2.5 or rng.random() < 0.5
        if with_rail:
            self._paint_rail(canvas, fulcrum + rng.uniform(-0.4, 0.5), -BLADE_LENGTH_M, y - side * 0.5, height)
        if not in_use:
            edges = board.upper_edges(0.0, y, points=2)
            low, high = edges[0, 0], edges[1, 1]
            bottom = (low[0], low[1], low[2] - board.thickness)
            canvas.box(bottom, (high[0], high[1], high[2]), np.array(board.colour) * 0.8, top=board.colour)
        if with_rail:
            with canvas.in_foreground(in_use):
                self._paint_rail(canvas, fulcrum + rng.uniform(-0.4, 0.5), -BLADE_LENGTH_M, y + side * 0.5, height)

    def _paint_neighbour(self, canvas: Canvas, neighbour: Neighbour) -> None:
        rng, y, height, tip = self.rng, neighbour.y, neighbour.height, neighbour.tip
        if neighbour.kind == "springboard":
            colour = BLADE_COLOURS[int(rng.integers(len(BLADE_COLOURS)))]
            blade = Board(kind="springboard", height=height, colour=colour, thickness=0.05, width=BLADE_WIDTH_M)
            self._paint_springboard_stand(canvas, y, blade)
            return
        if rng.random() < 0.5:
            self._paint_stairs(canvas, tip - 6.5, y, height)
        width = rng.uniform(1.5, 3)
        platform = Platform(tip=tip, centre=y, height=height, width=width, thickness=0.0, colour=self.board.colour)
        self._paint_supports(canvas, platform)
        platform = replace(platform, thickness=rng.uniform(0.2, 0.45))
        self._paint_platform(canvas, platform, near_rail_in_foreground=False)
        if rng.random() < 0.35:
            facing = rng.uniform(-0.6, 0.6)
            place = (tip - rng.uniform(0.8, 4), y, height)
            outfit = sample_outfit(rng, self.venue.theme, "swimwear")
            build_bystander(rng, place, facing, outfit, "standing").paint(canvas)

    def _sample_neighbours(self) -> list[Neighbour]:
        """Sample other boards and platforms; on the camera's side only low ones."""
        rng, side, board = self.rng, self.venue.side, self.board
        taken = [0.0] if board.partner is None else [0.0, board.partner]
        gap = max(board.width / 2 + 1.6, 2.2)
        neighbours, y = [], min(taken) if side > 0 else max(taken)
        for _ in range(int(rng.integers(0, 5))):
            y -= side * rng.uniform(gap, gap + 2.5)
            if rng.random() < (0.7 if board.kind == "springboard" else 0.4):
                height = float(rng.choice([1.0, 3.0]))
                neighbours.append(Neighbour(y=y, height=height, kind="springboard", tip=0.0))
            else:
                height = float(rng.choice([3.0, 5.0, 7.5, 10.0]))
                neighbours.append(Neighbour(y=y, height=height, kind="platform", tip=rng.uniform(-1, 1.0)))
                y -= side * 2.0
        y = max(taken) if side > 0 else min(taken)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.65, 0.25, 0.1]))):
            y += side * rng.uniform(gap, gap + 2.5)
            neighbours.append(Neighbour(y=y, height=1.0, kind="springboard", tip=0.0))
        return neighbours


def _is_left_of(canvas: Canvas, one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    pixels, _ = canvas.project([one, other])
    return bool(pixels[0, 0] < pixels[1, 0])
