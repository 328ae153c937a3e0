"""Real servers: callers side by side, hosts and origins, restarts and ends, and uploads of every format."""

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import ValidationError
from playwright.sync_api import expect

from fineparser.ui.server_folder import LOCK, PREFIX
from tests.browser.conftest import PATIENCE, running, temporary_folders, upload, visited
from tests.video.clips import ffmpeg

pytestmark = pytest.mark.browser

SECONDS = 120


def files_in(folder: Path) -> list[Path]:
    """Files of a server's visitors, wherever it puts them."""
    paths = [path for name in ("cache", "temporary") for path in (folder / name).rglob("*")]
    return [path for path in paths if path.is_file() and path.name != LOCK]


def analyse(url: str, clip: Path, **values) -> tuple[dict, list[str]]:
    """Report and addresses of the files; the endpoint is called as a program does."""
    call = {"code": "", "height": "", "difficulty": None, "first": 5, "last": 40, "crop": "centre"} | values
    client = Client(url, verbose=False, download_files=False)
    report, files = client.predict(handle_file(clip), *call.values(), api_name="/analyse")
    return report, [f"/gradio_api/file={file['path']}" for file in files]


def ask(url: str, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
    """Send a request with headers of our choice."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    files = {"files": ("clip.mp4", b"content")} if path.endswith("/upload") else None
    body = {"data": [], "session_hash": "abc", "fn_index": 0} if path.endswith("/join") else None
    return httpx.request(method, url + path, headers=names, files=files, json=body, timeout=SECONDS)


def test_callers_with_the_same_clip_all_get_results(app_url, clip):
    with ThreadPoolExecutor(3) as callers:
        results = list(callers.map(lambda _: analyse(app_url, clip), range(3)))
    assert [report["clip"]["frames"] for report, _ in results] == [50, 50, 50]


def test_the_call_of_one_visitor_leaves_the_upload_of_another(page, app_url, clip):
    upload(page, clip)
    analyse(app_url, clip)  # the same file, so the same path on the server
    page.locator("#analyse").click()
    page.locator("#take-results-zip:not([disabled])").wait_for(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"code": "107A", "height": "3"}, "107B"),
        ({"code": "103B", "height": "4"}, "4"),
        ({"code": "103B", "height": "3", "difficulty": 99}, "between 0.5 and 6"),
        ({"crop": "left"}, "left"),
    ],
)
def test_an_impossible_dive_is_refused_without_waiting_in_line(app_url, clip, values, text):
    with ThreadPoolExecutor(3) as callers:
        waiting = [callers.submit(analyse, app_url, clip) for _ in range(3)]
        with pytest.raises(ValidationError, match=re.escape(text)):
            analyse(app_url, clip, **values)
        assert not all(call.done() for call in waiting)
        assert [call.result()[0]["clip"]["frames"] for call in waiting] == [50, 50, 50]


def test_an_inspection_is_checked_before_it_waits_in_line(app_url, clip):
    client = Client(app_url, verbose=False)
    with pytest.raises(ValidationError, match=r"code: .*107B"):
        client.predict(handle_file(clip), "107A", "3", None, None, api_name="/inspect")
    summary, _ = client.predict(handle_file(clip), "", "", 5, 40, api_name="/inspect")
    assert summary


ROUTES = (
    ("/", "GET"),
    ("/config", "GET"),
    ("/gradio_api/upload", "POST"),
    ("/gradio_api/queue/join", "POST"),
    ("/gradio_api/queue/data?session_hash=abc", "GET"),
    ("/gradio_api/call/analyse", "POST"),
    ("/gradio_api/heartbeat/abc", "GET"),
    ("/gradio_api/file=app.py", "GET"),
    ("/gradio_api/startup-events", "GET"),
)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_other_hosts_and_origins_are_refused_everywhere(app_url, app_folder, path, method):
    before = len(files_in(app_folder))
    for headers in (
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        answer = ask(app_url, path, method=method, **headers)
        assert answer.status_code == 403
        assert "FINEPARSER_HOSTS" in answer.text
        assert "access-control-allow-origin" not in answer.headers or headers.get("Host")
    assert len(files_in(app_folder)) == before


def test_the_own_page_and_further_names_are_served(tmp_path):
    with running(tmp_path, FINEPARSER_HOSTS="dive.example") as (url, process):
        assert ask(url, "/gradio_api/upload", method="POST", Origin=url).status_code == 200
        assert ask(url, "/config", Host="dive.example", Origin="https://dive.example").status_code == 200
        # Another user's requests may use another address of the loopback.
        assert ask(url.replace("127.0.0.1", "localhost"), "/config").status_code == 200
        assert process.poll() is None


def test_a_space_is_public_and_served_under_every_name(browser, tmp_path):
    with running(tmp_path, SPACE_ID="owner/fineparser", SPACE_HOST="owner-fineparser.hf.space") as (url, _):
        headers = {"Host": "owner-fineparser.hf.space", "Origin": "https://owner-fineparser.hf.space"}
        assert ask(url, "/config", **headers).status_code == 200
        assert ask(url, "/gradio_api/upload", method="POST", **headers).status_code == 200
        with visited(browser, url) as page:
            page.get_by_role("tab", name="Train", exact=True).click()
            expect(page.locator("#train-off")).to_contain_text("switched off", timeout=PATIENCE)


def test_files_of_a_killed_server_are_gone_after_the_restart(tmp_path, clip):
    with running(tmp_path) as (url, process):
        _, addresses = analyse(url, clip)
        assert ask(url, addresses[0]).status_code == 200
        process.kill()
        process.wait(SECONDS)
    assert files_in(tmp_path)
    with running(tmp_path) as (url, process):
        assert ask(url, addresses[0]).status_code == 403
        assert files_in(tmp_path) == []
        # A second server beside it leaves its files alone.
        _, addresses = analyse(url, clip)
        with running(tmp_path):
            assert ask(url, addresses[0]).status_code == 200
        assert ask(url, addresses[0]).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_in_the_middle_of_an_analysis(tmp_path, clip, number):
    with running(tmp_path) as (url, process):
        client = Client(url, verbose=False)
        job = client.submit(handle_file(clip), "5253B", "10", None, None, None, "diver", api_name="/analyse")
        deadline = time.monotonic() + SECONDS
        while not temporary_folders(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)  # it makes its folder when it begins
        assert files_in(tmp_path)
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
        assert time.monotonic() - start < 15
        assert not job.done() or job.exception() is not None
    assert files_in(tmp_path) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_signal_ends_the_server_while_it_loads(tmp_path):
    with running(tmp_path, wait=False) as (_, process):
        deadline = time.monotonic() + SECONDS
        while not list((tmp_path / "cache").glob(f"{PREFIX}*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        assert process.wait(SECONDS) == 0
    assert list((tmp_path / "cache").iterdir()) == []


FORMATS = {
    "clip.gif": (),
    "clip.avi": ("-c:v", "mjpeg"),
    "clip.mkv": ("-c:v", "libx264"),
    "clip.MTS": ("-c:v", "libx264", "-f", "mpegts"),
    "clip.m2ts": ("-c:v", "libx264", "-f", "mpegts"),
    "clip.ts": ("-c:v", "libx264", "-f", "mpegts"),
    "clip.3gp": ("-c:v", "libx264", "-f", "3gp"),
    "clip.mov": ("-c:v", "libx265"),
}
UNPLAYABLE = ("clip.gif", "clip.avi", "clip.MTS", "clip.m2ts", "clip.ts")


@pytest.mark.parametrize("name", FORMATS)
def test_clips_of_every_format_can_be_chosen(page, clip, tmp_path, name):
    ffmpeg("-i", str(clip), *FORMATS[name], str(tmp_path / name))
    page.locator("#clip input[type=file]").set_input_files(tmp_path / name)
    expect(page.locator("#clip-note")).to_contain_text("160 x 120", timeout=PATIENCE)
    if name in UNPLAYABLE:
        expect(page.locator("#clip")).to_have_attribute("data-remark", re.compile("cannot play"), timeout=PATIENCE)
        expect(page.get_by_text("Video not playable")).to_have_count(0)


def test_an_unplayable_clip_can_be_dropped_and_is_shown_in_the_result(page, clip, tmp_path):
    ffmpeg("-i", str(clip), "-c:v", "mjpeg", str(tmp_path / "clip.avi"))
    content = list((tmp_path / "clip.avi").read_bytes())
    page.locator("#clip input[type=file]").wait_for(state="attached", timeout=PATIENCE)
    page.evaluate(
        """(content) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], "clip.avi", {type: ""}));
            const target = document.querySelector("#clip input[type=file]").parentElement;
            target.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        content,
    )
    expect(page.locator("#clip-note")).to_contain_text("160 x 120", timeout=PATIENCE)
    page.locator("#analyse").click()
    page.wait_for_function(
        "() => { const v = document.querySelector('#viewer .query video'); return v && v.videoWidth > 0 }",
        timeout=PATIENCE,
    )


def test_a_file_that_is_no_clip_is_still_refused_at_once(page, tmp_path):
    (tmp_path / "notes.txt").write_text("no clip")
    page.locator("#clip input[type=file]").set_input_files(tmp_path / "notes.txt")
    expect(page.get_by_text("Invalid file type")).to_be_visible(timeout=PATIENCE)
