"""Start and stop buttons on a page of their own, with work that goes on, ends or fails as the test wants."""

import re
import time

import gradio as gr
import pytest
from playwright.sync_api import expect

from fineparser.ui.controls import Controls, add_controls

pytestmark = pytest.mark.browser

DEADLINE = 120


def make_work(controls, choice):
    """Work that goes on until it is stopped, ends at once, or fails, by the text in `choice`."""

    def work(event):
        how = event[choice]
        yield {controls.status: "At work"}
        if how == "fail":
            raise RuntimeError("unexpected")
        deadline = time.monotonic() + (DEADLINE if how == "go on" else 0)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            yield {controls.status: gr.skip()}
        yield controls.finished("Done")

    return work


def refuse_wrong(how):
    if how == "wrong":
        raise ValueError("This value is <impossible>.")


@pytest.fixture(scope="module")
def url():
    with gr.Blocks() as page:
        how = gr.Textbox(label="How")
        controls = add_controls("Work", "work")
        controls.connect(make_work(controls, how), {how}, [], lambda event: refuse_wrong(event[how]))
        plain = Controls(start=gr.Button("Plain", elem_id="plain"), status=gr.HTML(elem_id="plain-status"))
        plain.connect(make_work(plain, how), {how}, [])
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


def test_stop_sets_the_final_status_also_in_the_queue(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("go on")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    second.locator("#work-stop").click()
    ends_with(second, "Stopped.")
    expect(first.locator("#work-stop")).to_be_enabled()
    first.locator("#work-stop").click()
    ends_with(first, "Stopped.")
    # Gradio reports a failure some time after the stop, which must not replace the status.
    for page in (first, second):
        page.wait_for_timeout(1000)
        ends_with(page, "Stopped.")


def test_a_failure_is_reported_also_after_a_stop(visit):
    page = visit("go on")
    expect(page.locator("#work-status")).to_contain_text("At work")
    page.locator("#work-stop").click()
    ends_with(page, "Stopped.")
    page.get_by_label("How").fill("fail")
    page.locator("#work").click()
    ends_with(page, "the app failed")
    page.get_by_label("How").fill("at once")
    page.locator("#work").click()
    ends_with(page, "Done")


def test_work_without_a_stop_button_reports_waiting_and_its_end(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("fail", "#plain")
    expect(second.locator("#plain-status")).to_contain_text(re.compile("Waiting|queue"))
    expect(second.locator("#plain")).to_be_disabled()
    first.locator("#work-stop").click()
    expect(second.locator("#plain-status")).to_contain_text("the app failed", timeout=30_000)
    second.get_by_label("How").fill("at once")
    second.locator("#plain").click()
    expect(second.locator("#plain-status")).to_contain_text("Done", timeout=30_000)
    expect(second.locator("#plain")).to_be_enabled()


def test_a_wrong_value_is_refused_while_others_work_and_wait(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("at once")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    wrong = visit("wrong")
    ends_with(wrong, "This value is <impossible>.")
    expect(wrong.get_by_text("Error", exact=True)).to_have_count(0)
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    first.locator("#work-stop").click()
    ends_with(second, "Done")
    wrong.get_by_label("How").fill("at once")
    wrong.locator("#work").click()
    ends_with(wrong, "Done")


def test_a_full_queue_is_reported(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("at once")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    ends_with(visit("at once"), "the queue is full")
    first.locator("#work-stop").click()
    ends_with(second, "Done")


def test_a_visitor_who_leaves_frees_the_queue(visit):
    first = visit("go on")
    expect(first.locator("#work-status")).to_contain_text("At work")
    second = visit("at once")
    expect(second.locator("#work-status")).to_contain_text(re.compile("Waiting|queue"))
    first.close()
    ends_with(second, "Done")
