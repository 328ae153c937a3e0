from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.rendering.inspection_pictures import (
    ENLARGED,
    ENTRY_ENLARGED,
    LAYER_COLOURS,
    MISSED,
    RIGHT,
    TOO_MUCH,
    entry_pictures,
    frame_pictures,
    phase_at,
)
from fineparser.rendering.palette import HEAT, WHITE
from tests.inspections import drawn, labelled, made_up


@pytest.fixture(scope="module")
def inspection():
    return labelled(made_up(16))


def by_name(pictures):
    return {picture.name: picture for picture in pictures}


def test_every_frame_has_its_pictures(inspection):
    for frame in range(96):
        seen_twice = any(start <= frame < start + 6 for start in range(10, 81, 10))
        pictures = frame_pictures(inspection, frame)
        assert len(pictures) == 7 + seen_twice
        assert {picture.image.shape for picture in pictures} == {(16 * ENLARGED, 16 * ENLARGED, 3)}
        assert {picture.image.dtype.name for picture in pictures} == {"uint8"}


def test_without_labels_nothing_is_judged():
    names = by_name(frame_pictures(made_up(16), 12))
    assert "Right and wrong" not in names
    assert "white" not in names["What it saw"].note
    assert names["Where windows differ"].note == "windows 1 and 2 agree on 50%"
    assert by_name(frame_pictures(made_up(16), 33))["Where windows differ"].note == "windows 3 and 4 find no diver"


def test_probabilities_are_shown_in_the_heat_scale(inspection):
    fused = by_name(frame_pictures(inspection, 2))["Fused mask"]
    assert fused.is_heat
    assert fused.note == "highest 0.90, 50.0% of the picture"
    assert fused.image[5, -1].tolist() == list(HEAT[0].rgb)
    assert np.abs(fused.image[5, 0].astype(int) - HEAT[-2].rgb).max() <= 8  # 0.9 lies one step below the end
    second = by_name(frame_pictures(inspection, 2))["Side output 2"]
    assert np.unique(second.image.reshape(-1, 3), axis=0).tolist() == [list(HEAT[0].rgb)]


def test_right_and_wrong_pixels_have_their_colours(inspection):
    """Frame 5: the left 8 of 16 columns found, 6 labelled. Frame 17: nothing found, 6 labelled."""
    picture = by_name(frame_pictures(inspection, 5))["Right and wrong"]
    assert picture.note == "IoU 0.75"

    def nearest(pixel):
        colours = {"right": RIGHT, "too much": TOO_MUCH, "missed": MISSED}
        return min(colours, key=lambda name: np.abs(pixel / max(pixel.max(), 1) - colour_share(colours[name])).sum())

    def colour_share(colour):
        return np.array(colour.rgb) / max(colour.rgb)

    assert nearest(picture.image[20, 3 * ENLARGED]) == "right"
    assert nearest(picture.image[20, 7 * ENLARGED]) == "too much"
    missed = by_name(frame_pictures(inspection, 17))["Right and wrong"]
    assert nearest(missed.image[20, 2 * ENLARGED]) == "missed"
    assert by_name(frame_pictures(inspection, 50))["Right and wrong"].note == "no diver, none found"


def test_the_labelled_outline_is_white(inspection):
    plain = by_name(frame_pictures(made_up(16), 17))["What it saw"].image
    outlined = by_name(frame_pictures(inspection, 17))["What it saw"].image
    changed = (plain != outlined).any(axis=-1)
    assert changed[:, : 7 * ENLARGED].any()
    assert not changed[:, 8 * ENLARGED :].any()
    assert (outlined[changed] == WHITE.rgb).all(axis=-1).any()


def test_phases_by_the_rule_that_counts(inspection):
    assert [phase_at(inspection, frame) for frame in (29, 30, 49, 50)] == [
        Phase.TAKE_OFF,
        Phase.FLIGHT,
        Phase.FLIGHT,
        Phase.ENTRY,
    ]


def test_a_frame_that_is_not_there_is_refused(inspection):
    with pytest.raises(ValueError, match="there is no frame 96"):
        frame_pictures(inspection, 96)


def test_the_entry_is_shown_as_filmed_and_as_it_is_drawn():
    pictures = entry_pictures(drawn(made_up(16)))
    assert [picture.name for picture in pictures][:4] == ["-4", "-2", "Entry", "+2"]
    assert pictures[2].note == "sample 50"
    assert len(pictures) == 15  # the last moment is after the clip's end
    side = 16 * ENTRY_ENLARGED
    seen, painted = np.split(pictures[0].image, 2)
    assert seen.shape == painted.shape == (side, side, 3)
    assert (seen == 255).all()
    body, _, foam = (np.array(colour.rgb) for colour in LAYER_COLOURS.values())
    assert np.abs(painted[-1, 0] - body.astype(int)).max() <= 1
    assert np.abs(painted[0, -1] - foam.astype(int)).max() <= 1  # foam lies over the body
    assert np.abs(painted[0, 0] - foam.astype(int)).max() <= 1
    assert len(set(painted[-1, -1].tolist())) == 1  # what nothing is drawn of is grey


def test_water_that_the_camera_does_not_show_yet_is_said_to_be_outside():
    inspection = drawn(made_up(16))
    shown = inspection.entry.shown.copy()
    shown[0] = 0
    inspection = replace(inspection, entry=replace(inspection.entry, shown=shown))
    assert [picture.note for picture in entry_pictures(inspection)][:2] == ["not in the picture", "sample 48"]


def test_without_a_drawing_there_is_nothing_to_show():
    assert entry_pictures(made_up(16)) == []
