"""The viewer, the timeline and the downloads, in a real browser; the tests share one visit."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SHOWN = "() => document.querySelector('#viewer .readout .frame').textContent"
TIME = "() => document.querySelector('#viewer .query video').currentTime"
INK = """() => {
    const canvas = document.querySelector('#viewer canvas');
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce((a, b) => a + b, 0);
}"""


def number(page) -> int:
    return int(page.evaluate(SHOWN).split()[-1])


@pytest.fixture
def viewer(analysed):
    """The viewer, paused at frame 10, at full speed."""
    page = analysed
    if page.locator("#viewer .playing").count():
        page.locator("#viewer .play").click()
    if "on" in page.locator("#viewer .loop").get_attribute("class").split():
        page.locator("#viewer .loop").click()
    page.locator("#viewer [data-rate='1']").click()
    page.locator("#viewer .seek").evaluate(
        "s => { s.value = 10; s.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    page.wait_for_function("() => !document.querySelector('#viewer .query video').seeking")
    assert number(page) == 10
    return page


def test_the_video_steps_by_single_frames(viewer):
    assert viewer.evaluate("() => document.querySelector('#viewer .query video').videoWidth") == 160
    viewer.locator("#viewer .viewer").focus()
    for expected in (11, 12, 11, 10, 9):
        viewer.keyboard.press("ArrowRight" if expected > number(viewer) else "ArrowLeft")
        assert number(viewer) == expected
        # 25 frames a second: the player stands in the middle of the frame, whatever was rounded.
        assert viewer.evaluate(TIME) == pytest.approx((expected + 0.5) / 25, abs=0.01)
    viewer.get_by_label("One frame forward").click()
    assert number(viewer) == 10


def test_it_plays_slowly_and_stops(viewer):
    viewer.locator("#viewer [data-rate='0.25']").click()
    viewer.locator("#viewer .viewer").focus()
    viewer.keyboard.press("Space")
    expect(viewer.locator("#viewer .playing")).to_have_count(1)
    assert viewer.evaluate("() => document.querySelector('#viewer .query video').playbackRate") == 0.25
    viewer.wait_for_function(f"() => ({TIME})() > 0.6")
    viewer.keyboard.press("Space")
    expect(viewer.locator("#viewer .playing")).to_have_count(0)
    at = viewer.evaluate(TIME)
    viewer.wait_for_timeout(200)
    assert viewer.evaluate(TIME) == at
    assert number(viewer) == int(at * 25 + 1e-3)


def test_a_phase_loops(viewer):
    chips = viewer.locator("#viewer .chips button")
    spans = viewer.locator("#viewer .strip i").evaluate_all("parts => parts.map(p => parseFloat(p.style.width))")
    place = spans.index(max(spans))
    chips.nth(place).click()
    first = number(viewer)
    length = max(spans) / 100 * 49
    viewer.keyboard.press("l")
    expect(viewer.locator("#viewer .loop")).to_have_attribute("aria-pressed", "true")
    # Watches every drawn frame until it has come round; a busy machine may take its time.
    frames = viewer.evaluate(
        """async (ms) => {
            const frames = [], until = performance.now() + ms;
            document.querySelector('#viewer .play').click();
            for (let rounds = 0; rounds < 1 && performance.now() < until; ) {
                await new Promise(requestAnimationFrame);
                frames.push(parseInt(document.querySelector('#viewer .readout .frame').textContent.split(' ')[1]));
                rounds += frames.at(-1) < frames.at(-2);
            }
            return frames;
        }""",
        30_000,
    )
    assert min(frames) == first
    assert max(frames) <= first + length + 1
    assert any(later < earlier for earlier, later in pairwise(frames))


def test_the_last_phase_loops_although_the_clip_ends_with_it(viewer):
    viewer.locator("#viewer .chips button").nth(2).click()
    first = number(viewer)
    viewer.keyboard.press("l")
    expect(viewer.locator("#viewer .loop")).to_have_attribute("aria-pressed", "true")
    # With no frame drawn nobody sees the loop's end coming: the player stops at the end of the clip by itself.
    outcome = viewer.evaluate(
        """async (ms) => {
            const draw = window.requestAnimationFrame, player = document.querySelector('#viewer .query video');
            const until = performance.now() + ms, happened = (name) => new Promise((tell) => {
                player.addEventListener(name, () => tell(name), {once: true});
                setTimeout(tell, ms, 'late');
            });
            window.requestAnimationFrame = () => 0;
            const ended = happened('ended');
            document.querySelector('#viewer .play').click();
            const first = await ended;
            const then = player.paused ? await happened('play') : 'play';
            while (player.seeking && performance.now() < until) await new Promise((go) => setTimeout(go, 20));
            window.requestAnimationFrame = draw;
            return [first, then, player.paused];
        }""",
        30_000,
    )
    assert outcome == ["ended", "play", False]
    viewer.locator("#viewer .play").click()
    assert first <= number(viewer) <= 49


def test_the_mask_style_can_be_changed(viewer):
    inked = {}
    for style in ("outline", "dim", "none", "fill"):
        viewer.locator(f"#viewer [data-style={style}]").click()
        inked[style] = viewer.evaluate(INK)
    assert inked["none"] == 0
    # An untrained network's mask may be empty; dimming darkens the rest then, too.
    assert inked["dim"] > 0
    viewer.get_by_role("button", name="Crop").click()
    assert viewer.evaluate(INK) > inked["fill"]
    viewer.get_by_role("button", name="Crop").click()


def test_the_timeline_seeks_and_follows(viewer):
    viewer.wait_for_selector("#timeline .fp-cursor", state="attached")
    line = "() => Number(document.querySelector('#timeline .fp-cursor').dataset.seconds)"
    assert viewer.evaluate(line) == pytest.approx(10 / 25)
    place = viewer.evaluate(
        """() => {
            const plot = document.querySelector('#timeline .js-plotly-plot'), box = plot.getBoundingClientRect();
            plot.scrollIntoView({block: 'center'});
            const size = plot._fullLayout._size;
            return [size.l + plot._fullLayout.xaxis.d2p(1.3), size.t + size.h / 2];
        }"""
    )
    viewer.locator("#timeline .js-plotly-plot").click(position={"x": place[0], "y": place[1]})
    assert number(viewer) == pytest.approx(1.3 * 25, abs=1)
    assert viewer.evaluate(line) == pytest.approx(1.3, abs=0.05)


@pytest.mark.parametrize("width", [390, 820, 1400])
def test_the_viewer_fits_the_screen(viewer, width):
    viewer.set_viewport_size({"width": width, "height": 900})
    viewer.wait_for_timeout(300)
    assert viewer.evaluate("document.documentElement.scrollWidth") == width
    sizes = viewer.locator("#viewer button:visible").evaluate_all(
        "all => all.map(b => [b.offsetWidth, b.offsetHeight])"
    )
    assert min(min(size) for size in sizes) >= 43
    viewer.set_viewport_size({"width": 1400, "height": 1000})


def test_everything_can_be_downloaded(viewer, tmp_path):
    with viewer.expect_download() as waited:
        viewer.locator("#take-results-zip").click()
    import zipfile

    path = tmp_path / "results.zip"
    waited.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {"report.json", "report.html", "overlay.mp4", "masks.npz", "frames.csv"}
    expect(viewer.locator("#viewer .readout .phase")).to_have_text(re.compile("take-off|flight|entry|outside"))
