from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.rendering.inspection_charts import (
    CORRECT,
    ENTRY_SCALE,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    FRAME_SCALE,
    LAYER_COLOURS,
    entry_images,
    frame_images,
)
from fineparser.rendering.palette import HEATMAP, WHITE
from tests.inspections import drawn, labelled, made_up


@pytest.fixture(scope="module")
def inspection():
    return labelled(made_up(16))


def by_name(images):
    return {image.name: image for image in images}


def test_every_frame_has_its_images(inspection):
    for frame in range(96):
        seen_twice = any(start <= frame < start + 6 for start in range(10, 81, 10))
        images = frame_images(inspection, frame)
        assert len(images) == 7 + seen_twice
        assert {image.image.shape for image in images} == {(16 * FRAME_SCALE, 16 * FRAME_SCALE, 3)}
        assert {image.image.dtype.name for image in images} == {"uint8"}


def test_without_labels_there_are_no_errors():
    names = by_name(frame_images(made_up(16), 12))
    assert "Errors" not in names
    assert "white" not in names["Input"].note
    assert names["Window difference"].note == "windows 1 and 2 agree on 50%"
    assert by_name(frame_images(made_up(16), 33))["Window difference"].note == "windows 3 and 4 find no diver"


def test_probabilities_have_the_colours_of_the_heatmap(inspection):
    fused = by_name(frame_images(inspection, 2))["Fused mask"]
    assert fused.is_heatmap
    assert fused.note == "highest 0.90, 50.0% of the crop"
    assert fused.image[5, -1].tolist() == list(HEATMAP[0].rgb)
    assert np.abs(fused.image[5, 0].astype(int) - HEATMAP[-2].rgb).max() <= 8  # 0.9 lies one step below the end
    second = by_name(frame_images(inspection, 2))["Side output 2"]
    assert np.unique(second.image.reshape(-1, 3), axis=0).tolist() == [list(HEATMAP[0].rgb)]


def test_errors_have_their_colours(inspection):
    """Frame 5: the left 8 of 16 columns predicted, 6 labelled. Frame 17: nothing predicted, 6 labelled."""
    image = by_name(frame_images(inspection, 5))["Errors"]
    assert image.note == "IoU 0.75"

    def nearest(pixel):
        colours = {"right": CORRECT, "too much": FALSE_POSITIVE, "missed": FALSE_NEGATIVE}
        return min(colours, key=lambda name: np.abs(pixel / max(pixel.max(), 1) - colour_share(colours[name])).sum())

    def colour_share(colour):
        return np.array(colour.rgb) / max(colour.rgb)

    assert nearest(image.image[20, 3 * FRAME_SCALE]) == "right"
    assert nearest(image.image[20, 7 * FRAME_SCALE]) == "too much"
    missed = by_name(frame_images(inspection, 17))["Errors"]
    assert nearest(missed.image[20, 2 * FRAME_SCALE]) == "missed"
    assert by_name(frame_images(inspection, 50))["Errors"].note == "no diver, none found"


def test_the_labelled_outline_is_white(inspection):
    plain = by_name(frame_images(made_up(16), 17))["Input"].image
    outlined = by_name(frame_images(inspection, 17))["Input"].image
    changed = (plain != outlined).any(axis=-1)
    assert changed[:, : 7 * FRAME_SCALE].any()
    assert not changed[:, 8 * FRAME_SCALE :].any()
    assert (outlined[changed] == WHITE.rgb).all(axis=-1).any()


def test_phases_follow_the_rule_of_the_weights(inspection):
    assert [inspection.phase_at(frame) for frame in (29, 30, 49, 50)] == [
        Phase.TAKE_OFF,
        Phase.FLIGHT,
        Phase.FLIGHT,
        Phase.ENTRY,
    ]


def test_an_unknown_frame_is_refused(inspection):
    with pytest.raises(ValueError, match="there is no frame 96"):
        frame_images(inspection, 96)


def test_entry_images_have_the_crop_above_its_layers():
    images = entry_images(drawn(made_up(16)))
    assert [image.name for image in images][:4] == ["-4", "-2", "Entry", "+2"]
    assert images[2].note == "sample 50"
    assert len(images) == 15  # the last moment is after the clip's end
    side = 16 * ENTRY_SCALE
    seen, painted = np.split(images[0].image, 2)
    assert seen.shape == painted.shape == (side, side, 3)
    assert (seen == 255).all()
    body, _, foam = (np.array(colour.rgb) for colour in LAYER_COLOURS.values())
    assert np.abs(painted[-1, 0] - body.astype(int)).max() <= 1
    assert np.abs(painted[0, -1] - foam.astype(int)).max() <= 1  # foam lies over the body
    assert np.abs(painted[0, 0] - foam.astype(int)).max() <= 1
    assert len(set(painted[-1, -1].tolist())) == 1  # what nothing is drawn of is grey


def test_an_empty_crop_is_outside_the_frame():
    inspection = drawn(made_up(16))
    shown = inspection.entry.crops.copy()
    shown[0] = 0
    inspection = replace(inspection, entry=replace(inspection.entry, crops=shown))
    assert [image.note for image in entry_images(inspection)][:2] == ["outside the frame", "sample 48"]


def test_without_an_entry_branch_there_are_no_images():
    assert entry_images(made_up(16)) == []
