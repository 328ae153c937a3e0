"""Markers, and one browser for all packages, since two of Playwright's sessions cannot run side by side."""

import os
import shutil

import pytest

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as core whatever is neither slow nor a browser test."""
    for item in items:
        if not any(item.iter_markers("slow")) and not any(item.iter_markers("browser")):
            item.add_marker("core")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; with CI set it has to be there."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed; .ci/run installs it")
        pytest.skip("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield running
        running.close()
