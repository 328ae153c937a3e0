"""Both buttons on a page of their own, with work that does what it is told."""

import re
import time

import gradio as gr
import pytest
from playwright.sync_api import expect

from fineparser.ui.controls import Controls, control_parts

pytestmark = pytest.mark.browser

DEADLINE = 120


def toil(controls):
    """Work that goes on until it is stopped, ends at once, or does what it should not."""

    def work(how):
        yield {controls.status: "At work"}
        if how == "fail":
            raise RuntimeError("nobody expected this")
        deadline = time.monotonic() + (DEADLINE if how == "go on" else 0)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            yield {controls.status: gr.skip()}
        yield controls.ended("Done")

    return work


@pytest.fixture(scope="module")
def url():
    with gr.Blocks() as page:
        how = gr.Textbox(label="How")
        controls = control_parts("Work", "work")
        controls.begin(toil(controls), [how], [], "work")
        plain = Controls(gr.Button("Toil", elem_id="toil"), gr.HTML(elem_id="toil-status"))
        plain.begin(toil(plain), [how], [], "work")
    _, address, _ = page.queue(max_size=1).launch(prevent_thread_lock=True, quiet=True)
    yield address
    page.close()


@pytest.fixture
def visit(browser, url):
    """Opens the page once more."""
    pages = []

    def another(how, button="#work"):
        page = browser.new_page()
        pages.append(page)
        page.goto(url)
        page.get_by_label("How").fill(how)
        page.locator(button).click()
        return page

    yield another
    for page in pages:
        page.close()


def ends_with(page, sentence):
    expect(page.locator("#work-status")).to_contain_text(sentence, timeout=30_000)
    expect(page.locator("#work")).to_be_enabled()
    expect(page.locator("#work-stop")).to_be_disabled()
    expect(page.locator("#work-stop")).to_have_text("Stop")


def test_stop_has_the_last_word_also_for_who_waits(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("go on")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    second.locator("#work-stop").click()
    ends_with(second, "Stopped.")
    expect(first.locator("#work-stop")).to_be_enabled()
    first.locator("#work-stop").click()
    ends_with(first, "Stopped.")
    # What would come after it: Gradio tells of a failure once it is through with what was stopped.
    for page in (first, second):
        page.wait_for_timeout(1000)
        ends_with(page, "Stopped.")


def test_what_fails_by_itself_says_so_also_after_a_stop(visit):
    page = visit("go on")
    expect(page.locator("#work-status")).to_contain_text("At work")
    page.locator("#work-stop").click()
    ends_with(page, "Stopped.")
    page.get_by_label("How").fill("fail")
    page.locator("#work").click()
    ends_with(page, "something went wrong here")
    page.get_by_label("How").fill("at once")
    page.locator("#work").click()
    ends_with(page, "Done")


def test_what_nobody_can_stop_says_that_it_waits_and_how_it_ended(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("fail", "#toil")
    expect(second.locator("#toil-status")).to_contain_text(re.compile("Waiting|queue"))
    expect(second.locator("#toil")).to_be_disabled()
    first.locator("#work-stop").click()
    expect(second.locator("#toil-status")).to_contain_text("something went wrong here", timeout=30_000)
    second.get_by_label("How").fill("at once")
    second.locator("#toil").click()
    expect(second.locator("#toil-status")).to_contain_text("Done", timeout=30_000)
    expect(second.locator("#toil")).to_be_enabled()


def test_a_full_queue_says_so(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("at once")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    ends_with(visit("at once"), "the queue is full")
    first.locator("#work-stop").click()
    ends_with(second, "Done")


def test_who_leaves_gives_up_the_turn(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("at once")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    first.close()
    ends_with(second, "Done")
