"""The report page in a real browser: it fits the screen, makes no requests, and prints."""

import re

import pytest

from fineparser.rendering.report_page import report_html

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["votes", "judgement"])
def page_file(report, judged, request, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report_html(report if request.param == "votes" else judged), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_fits_and_makes_no_requests(browser, page_file, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(11, 15, 25)"
    )
    # No label is cut off in the charts, those that are folded away included.
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    cut = (
        "[...document.querySelectorAll('.row .name')].filter(n => n.scrollWidth > n.clientWidth).map(n => n.innerText)"
    )
    assert page.evaluate(cut) == []
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert said == []
    page.close()


def test_the_page_prints_in_light_colours_on_a_few_sheets_of_a4(browser, page_file, tmp_path):
    page = browser.new_page(color_scheme="dark")
    page.goto(page_file.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = page.pdf(prefer_css_page_size=True)
    sheets = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert 1 <= len(sheets) <= 4
    assert [float(side) for side in sheets[0]] == pytest.approx([595, 842], abs=2)
    page.close()
