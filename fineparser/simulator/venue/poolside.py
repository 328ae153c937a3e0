"""Objects on the deck and in the pool: judges, officials, swimmers, boards, ladders, lamps."""

import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fineparser.simulator.venue.bystanders import build_bystander, sample_outfit
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.crowd import clothing, hair_tone, skin_tone
from fineparser.simulator.venue.lettering import draw_flag, draw_sponsor_boards
from fineparser.simulator.venue.venue import Venue, hsv_colour


class Poolside:
    """Painter of the deck: collects objects with their distance, then paints them far to near."""

    def __init__(self, rng: np.random.Generator, venue: Venue, canvas: Canvas) -> None:
        self.rng, self.venue, self.canvas = rng, venue, canvas
        self.level = venue.deck_level
        self.far_edge = venue.pool[2] if venue.side > 0 else venue.pool[3]
        self.objects: list[tuple[float, Callable[[], object]]] = []  # depth, paint

    def add(self, place: npt.ArrayLike, paint: Callable[[], object]) -> None:
        """Add an object at a world point; `paint()` is called in the order of depth."""
        _, depth = self.canvas.project(place)
        if depth > 1:
            self.objects.append((float(depth), paint))

    def paint(self) -> None:
        """Sample the objects and paint them."""
        rng = self.rng
        busy = rng.random()
        if rng.random() < 0.45:
            self._add_judges()
        if rng.random() < 0.5:
            self._add_sponsor_boards()
        if rng.random() < 0.3:
            self._add_table()
        for chance, add in (
            (0.5, self._add_ladder),
            (0.3, self._add_lamp),
            (0.25, self._add_camera_crane),
            (0.3, self._add_ring),
            (0.25, self._add_tent),
            (0.35, self._add_bins),
            (0.3, self._add_flagpoles),
            (0.35, self._add_lane_rope),
            (0.25, self._add_deck_rail),
            (0.3, self._add_swimmers),
        ):
            if rng.random() < chance:
                add()
        for _ in range(int(rng.integers(0, 26) * busy)):
            self._add_person()
        if rng.random() < 0.25:
            self._add_bench()
        self._paint_all()

    def _paint_all(self) -> None:
        for _, paint in sorted(self.objects, key=lambda item: -item[0]):
            paint()

    def _sample_place(self) -> np.ndarray:
        """Sample a place on the deck across the pool or at its ends."""
        rng, (low_x, high_x, _, _) = self.rng, self.venue.pool
        far = self.venue.far_y
        if rng.random() < 0.75:
            share = rng.uniform(0.08, 0.95)
            return np.array(
                [rng.uniform(low_x - 4, high_x + 2), self.far_edge + share * (far - self.far_edge), self.level]
            )
        x = (
            self.venue.walls[0] + rng.uniform(0.5, 4)
            if rng.random() < 0.6
            else self.venue.pool[1] + rng.uniform(0.8, 4)
        )
        return np.array([x, rng.uniform(*self.venue.pool[2:]), self.level])

    def _add_person(
        self, place: npt.ArrayLike | None = None, kind: str | None = None, pose: str | None = None, seat: float = 0.45
    ) -> None:
        rng = self.rng
        place = self._sample_place() if place is None else np.asarray(place, dtype=float)
        kind = kind or str(rng.choice(["dressed", "official", "swimwear"], p=[0.45, 0.3, 0.25]))
        towards = math.pi / 2 * self.venue.side + rng.normal(0, 0.9)
        person = build_bystander(rng, place, towards, sample_outfit(rng, self.venue.theme, kind), pose, seat=seat)
        self.add(place, lambda: person.paint(self.canvas))

    def _add_judges(self) -> None:
        """Add judges on high chairs beside the pool, often in white."""
        rng, canvas = self.rng, self.canvas
        count, high = int(rng.integers(2, 8)), rng.uniform(0.4, 2.2)
        pitch = rng.uniform(0.9, 1.6)
        start = rng.uniform(-1, 9)
        line = self.far_edge + (self.venue.far_y - self.far_edge) * rng.uniform(0.1, 0.6)
        frame = np.clip(rng.choice([40, 120, 200, 240]) + rng.normal(0, 6, 3), 0, 255)
        panel = self.venue.theme[0] if rng.random() < 0.6 else tuple(frame * 0.6)
        kind = "official" if rng.random() < 0.75 else "dressed"
        stepped = rng.random() < 0.4

        def paint_chair(x: float, lift: float) -> None:
            side = self.venue.side
            half, deep = 0.32, 0.5
            top = self.level + lift
            if rng.random() < 0.5:
                canvas.box((x - half, line - deep / 2, self.level), (x + half, line + deep / 2, top), panel)
            legs = [(x + a * half, line + b * deep / 2, self.level) for a in (-1.25, 1.25) for b in (-1.3, 1.3)]
            heads = [(x + a * half, line + b * deep / 2, top) for a in (-0.8, 0.8) for b in (-1, 1)]
            steps = np.arange(self.level + 0.3, top, 0.35)
            starts = legs + [(x - half, line + side * deep * 0.6, z) for z in steps]
            ends = heads + [(x + half, line + side * deep * 0.6, z) for z in steps]
            canvas.tubes(starts, ends, np.full(len(starts), 0.035), [frame] * len(starts))
            canvas.box(
                (x - half, line - side * deep / 2 - 0.03, top),
                (x + half, line - side * deep / 2 + 0.03, top + 0.5),
                frame,
            )

        for index in range(count):
            x = start + pitch * index
            lift = high + (0.5 * index / count if stepped else 0)
            seat = (x, line, self.level + lift)

            self.add((x, line - 0.05 * self.venue.side, self.level), functools.partial(paint_chair, x, lift))
            if rng.random() < 0.85:
                person = build_bystander(
                    rng,
                    seat,
                    math.pi / 2 * self.venue.side + rng.normal(0, 0.2),
                    sample_outfit(rng, self.venue.theme, kind),
                    "sitting",
                    seat=0.05,
                )
                self.add((x, line, self.level), functools.partial(person.paint, canvas))

    def _add_sponsor_boards(self) -> None:
        """Add sponsors' boards along the far edge or in front of the stands."""
        rng, canvas = self.rng, self.canvas
        y = self.far_edge + (self.venue.far_y - self.far_edge) * rng.choice([0.08, 0.5, 0.95])
        high = rng.uniform(0.5, 1.2)
        span = canvas.visible_span(1, y, 60)
        if span is None:
            return
        low, top = max(span[0] - 1, self.venue.walls[0]), min(span[1] + 1, self.venue.walls[1])
        if top <= low:
            return
        left, right = (top, low) if self.venue.side > 0 else (low, top)
        pitch = rng.uniform(2, 7)
        corners = [
            (left, y, self.level + high),
            (right, y, self.level + high),
            (right, y, self.level),
            (left, y, self.level),
        ]

        def paint() -> None:
            canvas.place_image(
                corners,
                lambda width, height: draw_sponsor_boards(
                    rng, width, height, self.venue.theme, width * pitch / (top - low)
                ),
            )

        self.add(((low + top) / 2, y, self.level), paint)

    def _add_table(self) -> None:
        rng, canvas = self.rng, self.canvas
        x, y, _ = self._sample_place()
        width = rng.uniform(2, 7)
        cloth = clothing(rng, 1, self.venue.theme, "team")[0]
        for offset in np.arange(0.4, width, 0.8):
            if rng.random() < 0.8:
                self._add_person(
                    (x + offset, y - 0.3 * self.venue.side, self.level),
                    "official" if rng.random() < 0.5 else "dressed",
                    "sitting",
                )
        self.add(
            (x + width / 2, y, self.level),
            lambda: canvas.box((x, y, self.level), (x + width, y + 0.6, self.level + 0.75), cloth),
        )

    def _add_bench(self) -> None:
        rng = self.rng
        x, y, _ = self._sample_place()
        kind = str(rng.choice(["swimwear", "dressed"]))
        for index in range(int(rng.integers(2, 7))):
            self._add_person((x + 0.6 * index, y, self.level), kind, "sitting" if rng.random() < 0.8 else "standing")

    def _add_ladder(self) -> None:
        """Add bent rails over the pool's edge: thin, bright and curved like limbs."""
        rng, canvas = self.rng, self.canvas
        x = rng.uniform(self.venue.pool[0] + 0.5, self.venue.pool[1])
        colour = np.full(3, rng.uniform(170, 250))
        bow = np.linspace(0, np.pi, 8)
        away = -self.venue.side
        for offset in (0.0, 0.55):
            arc = np.stack(
                [
                    np.full(8, x + offset),
                    self.far_edge + away * 0.35 * -np.cos(bow) + away * 0.1,
                    self.level + 0.8 * np.sin(bow),
                ],
                -1,
            )
            self.add(arc[0], functools.partial(canvas.path, arc, 0.028, colour))

    def _add_lamp(self) -> None:
        rng, canvas = self.rng, self.canvas
        x, y, z = self._sample_place()
        high, colour = rng.uniform(4, 14), np.full(3, rng.uniform(60, 235))
        radius = rng.uniform(0.04, 0.15)

        def paint() -> None:
            canvas.tubes([(x, y, z)], [(x, y, z + high)], [radius], [colour])
            canvas.box((x - 0.5, y - 0.1, z + high), (x + 0.5, y + 0.1, z + high + 0.4), (250, 250, 240))

        self.add((x, y, z), paint)

    def _add_camera_crane(self) -> None:
        """Add a camera crane or a camera on its tripod with its operator."""
        rng, canvas = self.rng, self.canvas
        x, y, z = self._sample_place()
        dark = np.full(3, rng.uniform(15, 60))
        reach, rise = rng.choice([-1, 1]) * rng.uniform(2, 7), rng.uniform(0.5, 5)
        legs = [(x + 0.5 * math.cos(a), y + 0.5 * math.sin(a), z) for a in (0.3, 2.4, 4.5)]

        def paint() -> None:
            canvas.tubes(legs, [(x, y, z + 1.4)] * 3, np.full(3, 0.03), [dark] * 3)
            if rise > 2.5:
                canvas.tubes([(x - reach * 0.3, y, z + 1.1)], [(x + reach, y, z + 1.4 + rise)], [0.07], [dark])
            canvas.box((x - 0.3, y - 0.15, z + 1.35), (x + 0.3, y + 0.15, z + 1.7), dark)

        self.add((x, y, z), paint)
        self._add_person((x - 0.5, y, z), "dressed", "standing")

    def _add_ring(self) -> None:
        """Add a lane-rope reel, hose or lifebuoy: rings in the image."""
        rng, canvas = self.rng, self.canvas
        x, y, z = self._sample_place()
        radius = rng.uniform(0.3, 0.9)
        turn = np.linspace(0, 2 * np.pi, 17)
        colour = np.array(rng.choice([(240, 240, 240), (230, 90, 30), (60, 60, 60), (210, 190, 60)]), dtype=float)
        rim = np.stack([x + radius * np.cos(turn), np.full(17, y), z + radius + radius * np.sin(turn)], -1)
        spokes = int(rng.choice([0, 6, 8]))

        def paint() -> None:
            canvas.path(rim, radius * 0.08, colour)
            if spokes:
                tips = rim[np.linspace(0, 15, spokes).astype(int)]
                canvas.tubes([(x, y, z + radius)] * spokes, tips, np.full(spokes, 0.015), [colour] * spokes)

        self.add((x, y, z), paint)

    def _add_tent(self) -> None:
        rng, canvas = self.rng, self.canvas
        x, y, z = self._sample_place()
        half, high = rng.uniform(1, 2), rng.uniform(2.2, 3)
        colour = clothing(rng, 1, self.venue.theme, "light" if rng.random() < 0.5 else "team")[0]

        def paint() -> None:
            posts = [(x + a * half, y + b * half, z) for a in (-1, 1) for b in (-1, 1)]
            canvas.tubes(posts, [(p[0], p[1], z + high) for p in posts], np.full(4, 0.03), [(220, 220, 220)] * 4)
            tips = [(x - half, y, z + high), (x + half, y, z + high), (x, y, z + high + 0.8)]
            canvas.polygon(tips, colour)

        self.add((x, y, z), paint)

    def _add_bins(self) -> None:
        rng, canvas = self.rng, self.canvas
        for _ in range(int(rng.integers(1, 5))):
            x, y, z = self._sample_place()
            size, colour = rng.uniform(0.2, 0.8, 3), rng.uniform(10, 245, 3)
            self.add(
                (x, y, z),
                functools.partial(canvas.box, (x, y, z), (x + size[0], y + size[1], z + size[2]), colour),
            )

    def _add_flagpoles(self) -> None:
        rng, canvas = self.rng, self.canvas
        x, y, z = self._sample_place()

        def paint(pole_x: float, height: float, cloth: list[tuple[float, float, float]]) -> None:
            canvas.tubes([(pole_x, y, z)], [(pole_x, y, z + height)], [0.04], [(225, 225, 225)])
            canvas.place_image(cloth, functools.partial(draw_flag, rng))

        for index in range(int(rng.integers(1, 6))):
            pole_x, height, width = x + 1.6 * index, rng.uniform(4, 8), rng.uniform(1, 1.8)
            cloth = [
                (pole_x, y, z + height),
                (pole_x + width, y, z + height - 0.2),
                (pole_x + width, y, z + height - 1.1),
                (pole_x, y, z + height - 0.9),
            ]
            self.add((pole_x, y, z), functools.partial(paint, pole_x, height, cloth))

    def _add_lane_rope(self) -> None:
        """Add beads on a line across the water."""
        rng, canvas = self.rng, self.canvas
        low_x, high_x, low_y, high_y = self.venue.pool
        colours = [hsv_colour(rng, rng.random(), 0.8, 0.9), (240, 240, 240)]
        along_x = rng.random() < 0.5
        offset = rng.uniform(0.3, 0.9) * (self.far_edge if along_x else high_x)
        ends = (low_x, high_x) if along_x else (low_y, high_y)
        marks = np.linspace(*ends, 25)
        points = [(m, offset, 0.05) if along_x else (offset, m, 0.05) for m in marks]

        def paint() -> None:
            canvas.tubes(points[:-1], points[1:], np.full(24, 0.06), [colours[i % 2] for i in range(24)])

        self.add(points[12], paint)

    def _add_deck_rail(self) -> None:
        rng, canvas = self.rng, self.canvas
        y = self.far_edge + (self.venue.far_y - self.far_edge) * rng.uniform(0.3, 0.98)
        x, long = rng.uniform(-8, 10), rng.uniform(4, 25)
        colour = np.full(3, rng.uniform(120, 250))
        bars = self.level + np.linspace(1.05, 0.3, int(rng.integers(2, 5)))
        posts = np.arange(x, x + long, 1.5)
        starts = [(x, y, z) for z in bars] + [(p, y, self.level) for p in posts]
        ends = [(x + long, y, z) for z in bars] + [(p, y, bars[0]) for p in posts]
        self.add(
            (x + long / 2, y, self.level),
            lambda: canvas.tubes(starts, ends, np.full(len(starts), 0.025), [colour] * len(starts)),
        )

    def _add_swimmers(self) -> None:
        """Add heads, shoulders and arms in the water and at its edge."""
        rng, canvas = self.rng, self.canvas

        def paint(x: float, y: float, skin: np.ndarray, hair: np.ndarray, reach: float) -> None:
            canvas.tubes([(x - 0.2, y, 0.02)], [(x + 0.2, y, 0.02)], [0.08], [skin])
            canvas.tubes([(x, y, 0.02)], [(x + reach, y, 0.15)], [0.045], [skin])
            canvas.ball((x, y, 0.22), 0.11, skin)
            canvas.ball((x, y, 0.27), 0.1, hair)

        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(4, self.venue.pool[1]), rng.uniform(0.45, 0.98) * self.far_edge
            skin, hair = skin_tone(rng, 1)[0], hair_tone(rng, 1)[0]
            reach = rng.choice([-1, 1]) * rng.uniform(0.3, 0.7)
            self.add((x, y, 0.0), functools.partial(paint, x, y, skin, hair, reach))
