"""The diving tower and springboard stands: slabs, rails, posts, stairs, ladders and braces."""

import numpy as np

from fineparser.simulator.board import BLADE_LENGTH, BLADE_WIDTH, Board
from fineparser.simulator.figures import figure, outfit
from fineparser.simulator.lettering import banner
from fineparser.simulator.site import vivid
from fineparser.simulator.texture import plain

BLADES = ((150, 205, 200), (185, 215, 210), (120, 190, 200), (205, 205, 195), (90, 130, 170), (225, 225, 215))


def choose_board(rng, site, height, springboard, partner):
    """Draw the Board that the diver leaves from."""
    if springboard:
        return Board(
            kind="springboard",
            height=height,
            colour=BLADES[int(rng.integers(len(BLADES)))],
            thickness=0.05,
            width=BLADE_WIDTH,
            fulcrum=float(rng.uniform(-2.5, -1.9)),
            partner=partner,
        )
    colour = (
        site.deck if rng.random() < 0.5 else (vivid(rng, 0.58, 0.6, 0.8) if rng.random() < 0.3 else (205, 205, 200))
    )
    return Board(
        kind="platform",
        height=height,
        colour=tuple(colour),
        thickness=float(rng.uniform(0.2, 0.5)),
        width=float(rng.uniform(2.0, 3.0)) + (abs(partner) if partner else 0.0),
        centre=partner / 2 if partner else 0.0,
        partner=partner,
    )


class Tower:
    """Paints the structure in use and its neighbours; `materials` are drawn once per scene."""

    def __init__(self, rng, site, board):
        self.rng, self.site, self.board = rng, site, board
        tone = rng.uniform(90, 240)
        self.concrete = tuple(np.clip(tone + rng.normal(0, 8, 3), 0, 255))
        if rng.random() < 0.15:
            self.concrete = tuple(np.array(site.theme[int(rng.integers(len(site.theme)))], dtype=float))
        self.steel = tuple(np.clip(rng.choice([235, 210, 160, 70]) + rng.normal(0, 6, 3), 0, 255))
        if rng.random() < 0.08:
            self.steel = vivid(rng, rng.random(), 0.7, 0.75)
        self.rail_radius = float(rng.uniform(0.018, 0.035))
        self.rail_bars = int(rng.integers(2, 5))
        self.curved = bool(rng.random() < 0.4)
        self.fascia = rng.random() < 0.6

    def slab(self, canvas, tip, rear, centre, height, thickness, width, colour):
        """A platform's slab with its printed edge."""
        low, high = centre - width / 2, centre + width / 2
        canvas.box((rear, low, height - thickness), (tip, high, height), self.concrete, top=colour)
        if not self.fascia:
            return
        eye = canvas.camera.position
        ground = self.site.theme[int(self.rng.integers(len(self.site.theme)))]

        def paint(wide, tall):
            shade = plain(wide, tall, ground)
            return banner(self.rng, wide, tall, ground) if tall >= 3 else shade

        top, foot = height + 0.02, height - thickness - 0.05
        if eye[0] > tip:
            left, right = (high, low) if self._leftwards(canvas, (tip, high, top), (tip, low, top)) else (low, high)
            canvas.mount([(tip, left, top), (tip, right, top), (tip, right, foot), (tip, left, foot)], paint)
        side = high if eye[1] > high else low if eye[1] < low else None
        if side is not None:
            back = tip - 2.5 if self.rng.random() < 0.5 else rear
            left, right = (tip, back) if self._leftwards(canvas, (tip, side, top), (back, side, top)) else (back, tip)
            canvas.mount([(left, side, top), (right, side, top), (right, side, foot), (left, side, foot)], paint)

    @staticmethod
    def _leftwards(canvas, one, other):
        pixels, _ = canvas.locate([one, other])
        return pixels[0, 0] < pixels[1, 0]

    def rail(self, canvas, start, end, y, level, height=1.05):
        """A railing along x from `start` (at the pool's end) back to `end`."""
        heights = level + np.linspace(height, height * 0.3, self.rail_bars)
        posts = np.linspace(start, end, max(2, int(abs(end - start) / 1.3)))
        points = [((start, y, z), (end, y, z)) for z in heights]
        points += [((x, y, level), (x, y, heights[0])) for x in posts]
        starts, ends = zip(*points, strict=True)
        canvas.tubes(starts, ends, np.full(len(points), self.rail_radius), [self.steel] * len(points))
        if self.curved:
            bow = np.linspace(0, np.pi / 2, 6)
            for z in heights[:2]:
                nose = np.stack([start + 0.7 * np.sin(bow), np.full(6, y), z - (z - level) * (1 - np.cos(bow))], -1)
                canvas.path(nose, self.rail_radius * 1.2, self.steel)

    def platform(self, canvas, tip, centre, height, width, thickness, colour, in_use):
        """One platform with its supports and rails."""
        rng, side = self.rng, self.site.side
        rear = tip - 6.0
        near, far = centre + side * width / 2, centre - side * width / 2
        start = tip - rng.uniform(0.8, 1.6)
        self.rail(canvas, start, rear, far, height)
        self.slab(canvas, tip, rear, centre, height, thickness, width, colour)
        with canvas.in_front(in_use):
            self.rail(canvas, start, rear, near, height)

    def supports(self, canvas, rear, centre, height, width):
        """What carries a platform: a wall, columns or a slanted strut."""
        rng = self.rng
        kind, deck = rng.random(), self.site.deck_level
        if kind < 0.4:
            thick = rng.uniform(0.3, 0.6)
            canvas.box(
                (rear + 0.4, centre - thick, deck),
                (rear + rng.uniform(1.2, 3.0), centre + thick, height - 0.2),
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

    def stairs(self, canvas, foot_x, y, top):
        """Flights that climb away behind the platforms, with treads and handrails."""
        rng, level, forward = self.rng, self.site.deck_level, -1
        x, flight = foot_x, 0
        while level < top - 0.3 and flight < 8:
            rise = min(rng.uniform(2.2, 3.2), top - level)
            run = forward * rise * 1.1
            starts = [(x, y + way * 0.45, level) for way in (-1, 1)]
            ends = [(x + run, y + way * 0.45, level + rise) for way in (-1, 1)]
            for lift in (0.5, 1.0):
                starts += [(x, y + way * 0.45, level + lift) for way in (-1, 1)]
                ends += [(x + run, y + way * 0.45, level + rise + lift) for way in (-1, 1)]
            radii = [0.1, 0.1] + [self.rail_radius] * 4
            for share in np.linspace(0.05, 0.95, int(rise / 0.2)):
                step = (x + share * run, level + share * rise)
                starts.append((step[0], y - 0.45, step[1]))
                ends.append((step[0], y + 0.45, step[1]))
                radii.append(0.05)
            canvas.tubes(
                starts, ends, radii, [self.concrete] * 2 + [self.steel] * 4 + [self.concrete] * (len(starts) - 6)
            )
            x, level, forward, flight = x + run, level + rise, -forward, flight + 1

    def springboard_stand(self, canvas, y, board, blade):
        """Stand, fulcrum and rails of a springboard at y; `blade` paints the blade too (boards nobody uses)."""
        rng, side, height = self.rng, self.site.side, board.height
        fulcrum = board.fulcrum
        deck = self.site.deck_level
        solid = rng.random() < 0.5
        if solid:
            half = rng.uniform(0.3, 0.7)
            canvas.box(
                (-BLADE_LENGTH - 0.4, y - half, deck),
                (fulcrum + 0.4, y + half, height - rng.uniform(0.3, 0.5)),
                self.concrete,
            )
        else:
            for x in (-BLADE_LENGTH, fulcrum):
                canvas.box((x - 0.15, y - 0.35, deck), (x + 0.15, y + 0.35, height - 0.25), self.steel)
            canvas.box((-BLADE_LENGTH, y - 0.3, height - 0.35), (fulcrum + 0.3, y + 0.3, height - 0.25), self.steel)
        canvas.tubes([(fulcrum, y - 0.42, height - 0.15)], [(fulcrum, y + 0.42, height - 0.15)], [0.1], [(60, 62, 66)])
        canvas.ball((fulcrum, y + side * 0.5, height - 0.15), 0.2, self.steel)
        if height >= 2.5:
            for way in (-1, 1):
                starts = [(-BLADE_LENGTH - 0.3, y + way * 0.3, deck + 0.28 * i) for i in range(int(height / 0.3))]
                if way < 0:
                    ends = [(p[0], y + 0.3, p[2]) for p in starts]
                    canvas.tubes(starts, ends, np.full(len(starts), 0.02), [self.steel] * len(starts))
        with_rail = height >= 2.5 or rng.random() < 0.5
        if with_rail:
            self.rail(canvas, fulcrum + rng.uniform(-0.4, 0.5), -BLADE_LENGTH, y - side * 0.5, height)
        if blade:
            edges = board.outline(0.0, y, points=2)
            low, high = edges[0, 0], edges[1, 1]
            canvas.box(
                (low[0], low[1], low[2] - board.thickness),
                (high[0], high[1], high[2]),
                np.array(board.colour) * 0.8,
                top=board.colour,
            )
        if with_rail:
            with canvas.in_front(not blade):
                self.rail(canvas, fulcrum + rng.uniform(-0.4, 0.5), -BLADE_LENGTH, y + side * 0.5, height)

    def paint(self, canvas):
        """Paint it all, far things first. Near neighbours go before the diver."""
        rng, site, board = self.rng, self.site, self.board
        side = site.side
        spots = self._neighbours()
        for y, height, kind, tip in sorted((s for s in spots if s[0] * side < 0), key=lambda s: side * s[0]):
            self._neighbour(canvas, y, height, kind, tip)
        if board.kind == "platform":
            if rng.random() < 0.8:
                self.stairs(canvas, -6.5, board.centre - side * rng.uniform(0, 3), board.height)
            self.supports(canvas, -6.0, board.centre, board.height, board.width)
            for level in (7.5, 5.0, 3.0, 1.0):
                if level < board.height - 1 and rng.random() < 0.35:
                    shift = rng.uniform(-0.5, 0.5)
                    self.platform(
                        canvas, -rng.uniform(0.7, 1.6), shift, level, rng.uniform(1.5, 2.6), 0.3, board.colour, False
                    )
            self.platform(canvas, 0.0, board.centre, board.height, board.width, board.thickness, board.colour, True)
        else:
            blades = [0.0] if board.partner is None else sorted([0.0, board.partner], key=lambda y: side * y)
            for y in blades:
                self.springboard_stand(canvas, y, board, blade=False)
        for y, height, kind, tip in sorted((s for s in spots if s[0] * side > 0), key=lambda s: side * s[0]):
            with canvas.in_front(canvas.camera.position[1] * side > abs(y) + 2 and rng.random() < 0.7):
                self._neighbour(canvas, y, height, kind, tip)

    def _neighbour(self, canvas, y, height, kind, tip):
        rng = self.rng
        if kind == "springboard":
            self.springboard_stand(
                canvas,
                y,
                Board("springboard", height, BLADES[int(rng.integers(len(BLADES)))], 0.05, BLADE_WIDTH),
                blade=True,
            )
            return
        if rng.random() < 0.5:
            self.stairs(canvas, tip - 6.5, y, height)
        width = rng.uniform(1.5, 3)
        self.supports(canvas, tip - 6, y, height, width)
        self.platform(canvas, tip, y, height, width, rng.uniform(0.2, 0.45), self.board.colour, False)
        if rng.random() < 0.35:
            facing = rng.uniform(-0.6, 0.6)
            place = (tip - rng.uniform(0.8, 4), y, height)
            figure(rng, place, facing, outfit(rng, self.site.theme, "swimwear"), "standing").paint(canvas)

    def _neighbours(self):
        """Other boards and platforms: (y, height, kind, tip x). Nearer the camera only low ones."""
        rng, side, board = self.rng, self.site.side, self.board
        taken = [0.0] if board.partner is None else [0.0, board.partner]
        gap = max(board.width / 2 + 1.6, 2.2)
        spots, y = [], min(taken) if side > 0 else max(taken)
        for _ in range(int(rng.integers(0, 5))):
            y -= side * rng.uniform(gap, gap + 2.5)
            if rng.random() < (0.7 if board.kind == "springboard" else 0.4):
                spots.append((y, float(rng.choice([1.0, 3.0])), "springboard", 0.0))
            else:
                spots.append((y, float(rng.choice([3.0, 5.0, 7.5, 10.0])), "platform", rng.uniform(-1, 1.0)))
                y -= side * 2.0
        y = max(taken) if side > 0 else min(taken)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.65, 0.25, 0.1]))):
            y += side * rng.uniform(gap, gap + 2.5)
            spots.append((y, 1.0, "springboard", 0.0))
        return spots

    def shadows(self):
        """Polygons overhead that darken the water."""
        board = self.board
        half = board.width / 2
        return [np.array([(-3.0, board.centre - half, board.height), (0.0, board.centre + half, board.height)])]
