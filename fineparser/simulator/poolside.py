"""What stands about on the deck and floats in the pool: judges, officials, swimmers, boards, ladders, lamps."""

import functools
import math

import numpy as np

from fineparser.simulator.crowd import clothing, hair_tone, skin_tone
from fineparser.simulator.figures import figure, outfit
from fineparser.simulator.lettering import flag, sponsor_boards
from fineparser.simulator.site import vivid


class Poolside:
    """Collects things with their distance, then paints them far to near."""

    def __init__(self, rng, site, canvas):
        self.rng, self.site, self.canvas = rng, site, canvas
        self.level = site.deck_level
        self.far_edge = site.pool[2] if site.side > 0 else site.pool[3]
        self.things = []  # (depth, paint)

    def put(self, place, paint):
        """Add something at a world point; `paint()` is called when its turn comes."""
        _, depth = self.canvas.locate(place)
        if depth > 1:
            self.things.append((float(depth), paint))

    def paint(self):
        """Choose what there is and paint it."""
        rng = self.rng
        busy = rng.random()
        if rng.random() < 0.45:
            self._judges()
        if rng.random() < 0.5:
            self._boards()
        if rng.random() < 0.3:
            self._table()
        for chance, add in (
            (0.5, self._ladder), (0.3, self._lamp), (0.25, self._boom), (0.3, self._wheel), (0.25, self._tent),
            (0.35, self._bin), (0.3, self._flagpole), (0.35, self._lane_rope), (0.25, self._deck_rail),
            (0.3, self._swimmers),
        ):  # fmt: skip
            if rng.random() < chance:
                add()
        for _ in range(int(rng.integers(0, 26) * busy)):
            self._person()
        if rng.random() < 0.25:
            self._bench()
        self._paint_all()

    def _paint_all(self):
        for _, paint in sorted(self.things, key=lambda thing: -thing[0]):
            paint()

    def _spot(self):
        """A place on the deck across the pool or at its ends."""
        rng, (low_x, high_x, _, _) = self.rng, self.site.pool
        far = self.site.far_y
        if rng.random() < 0.75:
            share = rng.uniform(0.08, 0.95)
            return np.array(
                [rng.uniform(low_x - 4, high_x + 2), self.far_edge + share * (far - self.far_edge), self.level]
            )
        x = self.site.walls[0] + rng.uniform(0.5, 4) if rng.random() < 0.6 else self.site.pool[1] + rng.uniform(0.8, 4)
        return np.array([x, rng.uniform(*self.site.pool[2:]), self.level])

    def _person(self, place=None, kind=None, pose=None, seat=0.45):
        rng = self.rng
        place = self._spot() if place is None else np.asarray(place, dtype=float)
        kind = kind or str(rng.choice(["dressed", "official", "swimwear"], p=[0.45, 0.3, 0.25]))
        towards = math.pi / 2 * self.site.side + rng.normal(0, 0.9)
        person = figure(rng, place, towards, outfit(rng, self.site.theme, kind), pose, seat=seat)
        self.put(place, lambda: person.paint(self.canvas))
        return person

    def _judges(self):
        """Judges on high chairs beside the pool, often in white."""
        rng, canvas = self.rng, self.canvas
        count, high = int(rng.integers(2, 8)), rng.uniform(0.4, 2.2)
        pitch = rng.uniform(0.9, 1.6)
        start = rng.uniform(-1, 9)
        line = self.far_edge + (self.site.far_y - self.far_edge) * rng.uniform(0.1, 0.6)
        frame = np.clip(rng.choice([40, 120, 200, 240]) + rng.normal(0, 6, 3), 0, 255)
        panel = self.site.theme[0] if rng.random() < 0.6 else tuple(frame * 0.6)
        kind = "official" if rng.random() < 0.75 else "dressed"
        stepped = rng.random() < 0.4
        for index in range(count):
            x = start + pitch * index
            lift = high + (0.5 * index / count if stepped else 0)
            seat = (x, line, self.level + lift)

            def chair(x=x, lift=lift):
                side = self.site.side
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

            self.put((x, line - 0.05 * self.site.side, self.level), chair)
            if rng.random() < 0.85:
                person = figure(
                    rng,
                    seat,
                    math.pi / 2 * self.site.side + rng.normal(0, 0.2),
                    outfit(rng, self.site.theme, kind),
                    "sitting",
                    seat=0.05,
                )
                self.put((x, line, self.level), lambda person=person: person.paint(canvas))

    def _boards(self):
        """Sponsors' boards along the far edge or before the stands."""
        rng, canvas = self.rng, self.canvas
        y = self.far_edge + (self.site.far_y - self.far_edge) * rng.choice([0.08, 0.5, 0.95])
        high = rng.uniform(0.5, 1.2)
        span = canvas.visible_span(1, y, 60)
        if span is None:
            return
        low, top = max(span[0] - 1, self.site.walls[0]), min(span[1] + 1, self.site.walls[1])
        if top <= low:
            return
        left, right = (top, low) if self.site.side > 0 else (low, top)
        pitch = rng.uniform(2, 7)
        corners = [
            (left, y, self.level + high),
            (right, y, self.level + high),
            (right, y, self.level),
            (left, y, self.level),
        ]

        def paint():
            canvas.mount(
                corners, lambda wide, tall: sponsor_boards(rng, wide, tall, self.site.theme, wide * pitch / (top - low))
            )

        self.put(((low + top) / 2, y, self.level), paint)

    def _table(self):
        rng, canvas = self.rng, self.canvas
        x, y, _ = self._spot()
        wide = rng.uniform(2, 7)
        cloth = clothing(rng, 1, self.site.theme, "team")[0]
        for offset in np.arange(0.4, wide, 0.8):
            if rng.random() < 0.8:
                self._person(
                    (x + offset, y - 0.3 * self.site.side, self.level),
                    "official" if rng.random() < 0.5 else "dressed",
                    "sitting",
                )
        self.put(
            (x + wide / 2, y, self.level),
            lambda: canvas.box((x, y, self.level), (x + wide, y + 0.6, self.level + 0.75), cloth),
        )

    def _bench(self):
        rng = self.rng
        x, y, _ = self._spot()
        kind = str(rng.choice(["swimwear", "dressed"]))
        for index in range(int(rng.integers(2, 7))):
            self._person((x + 0.6 * index, y, self.level), kind, "sitting" if rng.random() < 0.8 else "standing")

    def _ladder(self):
        """Bent rails over the pool's edge: thin, bright and curved like limbs."""
        rng, canvas = self.rng, self.canvas
        x = rng.uniform(self.site.pool[0] + 0.5, self.site.pool[1])
        colour = np.full(3, rng.uniform(170, 250))
        bow = np.linspace(0, np.pi, 8)
        away = -self.site.side
        for offset in (0.0, 0.55):
            arc = np.stack(
                [
                    np.full(8, x + offset),
                    self.far_edge + away * 0.35 * -np.cos(bow) + away * 0.1,
                    self.level + 0.8 * np.sin(bow),
                ],
                -1,
            )
            self.put(arc[0], lambda arc=arc: canvas.path(arc, 0.028, colour))

    def _lamp(self):
        rng, canvas = self.rng, self.canvas
        x, y, z = self._spot()
        high, colour = rng.uniform(4, 14), np.full(3, rng.uniform(60, 235))
        radius = rng.uniform(0.04, 0.15)

        def paint():
            canvas.tubes([(x, y, z)], [(x, y, z + high)], [radius], [colour])
            canvas.box((x - 0.5, y - 0.1, z + high), (x + 0.5, y + 0.1, z + high + 0.4), (250, 250, 240))

        self.put((x, y, z), paint)

    def _boom(self):
        """A camera crane or a camera on its tripod with its operator."""
        rng, canvas = self.rng, self.canvas
        x, y, z = self._spot()
        dark = np.full(3, rng.uniform(15, 60))
        reach, rise = rng.choice([-1, 1]) * rng.uniform(2, 7), rng.uniform(0.5, 5)
        legs = [(x + 0.5 * math.cos(a), y + 0.5 * math.sin(a), z) for a in (0.3, 2.4, 4.5)]

        def paint():
            canvas.tubes(legs, [(x, y, z + 1.4)] * 3, np.full(3, 0.03), [dark] * 3)
            if rise > 2.5:
                canvas.tubes([(x - reach * 0.3, y, z + 1.1)], [(x + reach, y, z + 1.4 + rise)], [0.07], [dark])
            canvas.box((x - 0.3, y - 0.15, z + 1.35), (x + 0.3, y + 0.15, z + 1.7), dark)

        self.put((x, y, z), paint)
        self._person((x - 0.5, y, z), "dressed", "standing")

    def _wheel(self):
        """A lane-rope reel, hose or lifebuoy: rings in the picture."""
        rng, canvas = self.rng, self.canvas
        x, y, z = self._spot()
        radius = rng.uniform(0.3, 0.9)
        turn = np.linspace(0, 2 * np.pi, 17)
        colour = np.array(rng.choice([(240, 240, 240), (230, 90, 30), (60, 60, 60), (210, 190, 60)]), dtype=float)
        rim = np.stack([x + radius * np.cos(turn), np.full(17, y), z + radius + radius * np.sin(turn)], -1)
        spokes = int(rng.choice([0, 6, 8]))

        def paint():
            canvas.path(rim, radius * 0.08, colour)
            if spokes:
                tips = rim[np.linspace(0, 15, spokes).astype(int)]
                canvas.tubes([(x, y, z + radius)] * spokes, tips, np.full(spokes, 0.015), [colour] * spokes)

        self.put((x, y, z), paint)

    def _tent(self):
        rng, canvas = self.rng, self.canvas
        x, y, z = self._spot()
        half, high = rng.uniform(1, 2), rng.uniform(2.2, 3)
        colour = clothing(rng, 1, self.site.theme, "light" if rng.random() < 0.5 else "team")[0]

        def paint():
            posts = [(x + a * half, y + b * half, z) for a in (-1, 1) for b in (-1, 1)]
            canvas.tubes(posts, [(p[0], p[1], z + high) for p in posts], np.full(4, 0.03), [(220, 220, 220)] * 4)
            tips = [(x - half, y, z + high), (x + half, y, z + high), (x, y, z + high + 0.8)]
            canvas.polygon(tips, colour)

        self.put((x, y, z), paint)

    def _bin(self):
        rng, canvas = self.rng, self.canvas
        for _ in range(int(rng.integers(1, 5))):
            x, y, z = self._spot()
            size, colour = rng.uniform(0.2, 0.8, 3), rng.uniform(10, 245, 3)
            self.put(
                (x, y, z),
                lambda x=x, y=y, z=z, s=size, c=colour: canvas.box((x, y, z), (x + s[0], y + s[1], z + s[2]), c),
            )

    def _flagpole(self):
        rng, canvas = self.rng, self.canvas
        x, y, z = self._spot()
        for index in range(int(rng.integers(1, 6))):
            at, high, wide = x + 1.6 * index, rng.uniform(4, 8), rng.uniform(1, 1.8)
            cloth = [
                (at, y, z + high),
                (at + wide, y, z + high - 0.2),
                (at + wide, y, z + high - 1.1),
                (at, y, z + high - 0.9),
            ]

            def paint(at=at, high=high, cloth=cloth):
                canvas.tubes([(at, y, z)], [(at, y, z + high)], [0.04], [(225, 225, 225)])
                canvas.mount(cloth, functools.partial(flag, rng))

            self.put((at, y, z), paint)

    def _lane_rope(self):
        """Beads on a line across the water."""
        rng, canvas = self.rng, self.canvas
        low_x, high_x, low_y, high_y = self.site.pool
        colours = [vivid(rng, rng.random(), 0.8, 0.9), (240, 240, 240)]
        along_x = rng.random() < 0.5
        offset = rng.uniform(0.3, 0.9) * (self.far_edge if along_x else high_x)
        ends = (low_x, high_x) if along_x else (low_y, high_y)
        marks = np.linspace(*ends, 25)
        points = [(m, offset, 0.05) if along_x else (offset, m, 0.05) for m in marks]

        def paint():
            canvas.tubes(points[:-1], points[1:], np.full(24, 0.06), [colours[i % 2] for i in range(24)])

        self.put(points[12], paint)

    def _deck_rail(self):
        rng, canvas = self.rng, self.canvas
        y = self.far_edge + (self.site.far_y - self.far_edge) * rng.uniform(0.3, 0.98)
        x, long = rng.uniform(-8, 10), rng.uniform(4, 25)
        colour = np.full(3, rng.uniform(120, 250))
        bars = self.level + np.linspace(1.05, 0.3, int(rng.integers(2, 5)))
        posts = np.arange(x, x + long, 1.5)
        starts = [(x, y, z) for z in bars] + [(p, y, self.level) for p in posts]
        ends = [(x + long, y, z) for z in bars] + [(p, y, bars[0]) for p in posts]
        self.put(
            (x + long / 2, y, self.level),
            lambda: canvas.tubes(starts, ends, np.full(len(starts), 0.025), [colour] * len(starts)),
        )

    def _swimmers(self):
        """Heads, shoulders and arms in the water and at its edge."""
        rng, canvas = self.rng, self.canvas
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(4, self.site.pool[1]), rng.uniform(0.45, 0.98) * self.far_edge
            skin, hair = skin_tone(rng, 1)[0], hair_tone(rng, 1)[0]
            reach = rng.choice([-1, 1]) * rng.uniform(0.3, 0.7)

            def paint(x=x, y=y, skin=skin, hair=hair, reach=reach):
                canvas.tubes([(x - 0.2, y, 0.02)], [(x + 0.2, y, 0.02)], [0.08], [skin])
                canvas.tubes([(x, y, 0.02)], [(x + reach, y, 0.15)], [0.045], [skin])
                canvas.ball((x, y, 0.22), 0.11, skin)
                canvas.ball((x, y, 0.27), 0.1, hair)

            self.put((x, y, 0.0), paint)
