"""The story that the page tells, in a real browser, against real Kafka and the real job: click, push, dismissal, cool-down, and later again."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from kairos.local.kafka import EmbeddedKafka
from kairos.logs.producer import RecordProducer
from tests.gateway.page.acts import become, first_push, look, nameless
from tests.gateway.page.browser import opened
from tests.gateway.page.stage import staged

pytestmark = [pytest.mark.usefixtures("nobody_stays"), pytest.mark.browser, pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

PATIENCE_MS = 30_000
PREFIX = "page-story."


@pytest.fixture(scope="module")
def address(browser: Browser, kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    expect.set_options(timeout=PATIENCE_MS)
    with staged(tmp_path_factory.mktemp("page"), kafka.bootstrap_servers, PREFIX, time.time_ns() // 1_000_000) as where:
        yield where


def publish(bootstrap_servers: str, topic: str, key: bytes, value: bytes) -> None:
    """A record past the collector, which would refuse it."""
    with RecordProducer(bootstrap_servers, "tests") as producer:
        producer.send(topic, [(key, value)])


def test_click_push_dismissal_cool_down_and_the_next_push_when_the_clock_is_put_ahead(browser: Browser, address: str) -> None:
    seen = opened(browser, address)
    page = seen.page
    become(page, "Ada, Lisbon")

    first_push(page)
    push = page.get_by_role("article")
    expect(push.locator(".reason")).to_have_text(re.compile(r"^Because .+\.$"))
    expect(page.locator("[data-part=verdict]")).to_contain_text("Sent:")
    expect(page.locator("[data-part=gates] [data-passed=false]")).to_have_count(0)
    expect(page.locator("[data-part=candidates] tr[data-chosen=true]")).to_have_count(1)
    expect(page.locator("[data-part=curve] svg")).to_have_attribute("aria-label", re.compile("CTR times CVR over [0-9]+ moments"))
    expect(page.locator("[data-part=interests] li").first).to_be_visible()

    push.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.locator("[data-part=timeline]")).to_contain_text("dismissed")

    look(page, 6)
    expect(page.locator("[data-part=gates] [data-gate=cool_down]")).to_have_attribute("data-passed", "false")
    expect(page.locator("[data-part=verdict]")).to_contain_text("the user dismissed a push lately")
    expect(page.locator("[data-dial=next]")).to_contain_text("Next wake-up at")

    page.get_by_role("button", name="To the next wake-up").click()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.locator("[data-part=verdict]")).to_contain_text("Sent:")
    assert seen.complaints == []


def test_the_week_shows_the_next_wake_up_and_an_hour_chosen_ahead_brings_its_decision_when_it_has_come(
    browser: Browser, address: str
) -> None:
    seen = opened(browser, address)
    page = seen.page
    become(page, "Eva, Sao Paulo")

    first_push(page)
    drawn = page.locator("[data-part=week] svg")
    expect(drawn).to_have_attribute("aria-label", re.compile(r"over the hours of the week\..* Now, .* Next wake-up: .*No hour is quiet"))
    expect(drawn.locator("circle")).to_have_count(2)
    expect(page.locator("[data-part=interests] [data-from=state]")).to_be_visible()
    page.get_by_text("The best hour of each day").click()
    expect(page.locator("[data-part=week] tbody tr")).to_have_count(7)

    waits = page.locator("[data-dial=next]")
    if "chosen ahead" not in waits.inner_text():  # what else was put off comes first
        page.get_by_role("button", name="To the next wake-up").click()
    expect(waits).to_contain_text("the best of the coming hours, chosen ahead")
    page.get_by_role("button", name="To the next wake-up").click()
    expect(page.locator("[data-part=verdict]")).to_contain_text("the best time for it had come")
    expect(page.locator("[data-part=week] details")).to_have_attribute("open", "")  # also when it was drawn anew
    assert seen.complaints == []


def test_pushes_switched_off_stay_off_until_the_person_says_otherwise(browser: Browser, address: str) -> None:
    seen = opened(browser, address)
    page = seen.page
    become(page, "Chen, Singapore")

    first_push(page)
    page.get_by_role("button", name=re.compile("^Turn off pushes")).click()
    expect(page.locator("[data-part=timeline]")).to_contain_text("pushes switched off")
    look(page, 7)
    expect(page.locator("[data-part=verdict]")).to_contain_text("the user wants no pushes")

    page.get_by_role("button", name="Allow pushes again").click()
    page.get_by_role("button", name="+10 min").click()
    first_push(page)
    page.locator(".product .look").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Dismiss")).first.click()  # it lies over the item that is open
    expect(page.locator("[data-part=timeline]")).to_contain_text("dismissed")
    assert seen.complaints == []


def test_what_was_left_in_the_cart_is_pushed_when_its_time_has_come(browser: Browser, address: str) -> None:
    seen = opened(browser, address)
    page = seen.page
    become(page, "Ben, New York")

    page.get_by_role("button", name=re.compile("^Add to cart")).nth(2).click()
    expect(page.locator("[data-dial=next]")).to_contain_text("it is not yet time for what this is about")
    page.get_by_role("button", name="To the next wake-up").click()

    push = page.get_by_role("article")
    expect(push).to_contain_text("cart")
    push.get_by_role("button", name=re.compile("^Buy")).click()
    expect(page.locator("[data-part=timeline]")).to_contain_text("converted")
    assert seen.complaints == []


def test_in_the_other_corners_one_reads_likes_and_follows_and_is_answered_there_too(browser: Browser, address: str) -> None:
    seen = opened(browser, f"{address}/#social")
    page = seen.page
    become(page, "Farid, Kolkata")
    expect(page.get_by_role("heading", name="Your people")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Follow:")).first.click()
    expect(page.get_by_role("button", name=re.compile("^Following:"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Like:")).first.click()
    first_push(page)
    page.get_by_role("article").first.get_by_role("button", name=re.compile("^Open")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("[data-part=timeline]")).to_contain_text("opened")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="News").click()
    expect(page.get_by_role("heading", name="The news")).to_be_visible()
    expect(page.locator(".shelf[data-scenario=news] .product").first).to_be_visible()
    assert seen.complaints == []


def test_operators_see_rates_reasons_and_caps_from_job_and_topics(browser: Browser, address: str, kafka: EmbeddedKafka) -> None:
    seen = opened(browser, f"{address}/#operators")
    page = seen.page

    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    expect(page.locator("[data-total=catalogue_items]")).not_to_have_text("0")
    for title in (
        "Rates, last five minutes",
        "Why nothing was sent",
        "What became of pushes",
        "Caps in force",
        "Experiment arms",
        "Dead letters",
    ):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_text("6 in 10 min")).to_be_visible()

    publish(kafka.bootstrap_servers, f"{PREFIX}interactions", b"somebody", b"\xff\xff no signal")
    expect(page.get_by_role("row").filter(has_text="malformed").filter(has_text=f"{PREFIX}interactions")).to_be_visible()
    expect(page.get_by_text("By the job: 1 malformed.")).to_be_visible()
    assert seen.complaints == []


def test_by_keyboard_alone_on_a_phone_in_the_dark(browser: Browser, address: str) -> None:
    seen = opened(browser, address, viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce")
    page = seen.page
    expect(page.locator(".product").first).to_be_visible()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#categories [aria-pressed=true]")).to_be_focused()  # drawn anew, and still there
    become(page, "Dalia, Berlin")  # what is looked at here is not to count as another story's
    look_at = page.locator(".product .look").first
    look_at.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(look_at).to_be_focused()

    page.get_by_role("button", name="Use light colours").press("Enter")
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "light"
    become(page, "Dalia, Berlin")  # who it still is
    first_push(page)
    expect(page.locator("[data-part=curve] svg")).to_be_visible()
    page.get_by_text("The best hour of each day").press("Enter")
    expect(page.locator("[data-part=week] tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Back to the shelf").press("Enter")
    expect(page.get_by_role("heading", name="The shop")).to_be_in_viewport()
    page.get_by_role("button", name="What Kairos believes").press("Enter")
    expect(page.get_by_role("heading", name="What Kairos believes")).to_be_in_viewport()
    page.keyboard.press("F8")
    expect(page.get_by_role("article").first.get_by_role("button", name=re.compile("^Open"))).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # dismissed: back to where one was, or to the next push
    expect(page.locator("[data-part=timeline]")).to_contain_text("dismissed")
    assert page.evaluate("document.activeElement.matches('#jump, .push button')")
    page.get_by_role("link", name="Operators").press("Enter")
    expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless(seen)
