"""Web Push as one has it on the page: allowed, shown by the browser, clicked, dismissed, given to somebody else, taken back."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Browser, Locator, Page, expect

from kairos.local.kafka import EmbeddedKafka
from kairos.v1.feedback_pb2 import CHANNEL_WEB_PUSH, Outcome
from tests.gateway.delivery.processes import Topics, eventually
from tests.gateway.delivery.provider import ProviderServer
from tests.gateway.delivery.services import BrowserService
from tests.gateway.page.acts import become, look
from tests.gateway.page.browser import Watched, opened
from tests.gateway.page.pushed_browser import Notifications, public, subscribed_with, subscribing
from tests.gateway.page.stage import staged

pytestmark = [pytest.mark.usefixtures("nobody_stays"), pytest.mark.browser, pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

PATIENCE_MS = 30_000
PREFIX = "web-push."
ALLOWED = {"permissions": ["notifications"]}


@dataclass
class Stage:
    """The page, and behind it the one push service that there is."""

    address: str
    service: BrowserService
    topics: Topics

    def pushed(self, person: str) -> list[dict[str, str]]:
        """What has come for a person's browser."""
        return [push for path, push in zip(self.service.paths, self.service.shown, strict=True) if path == path_of(person)]

    def told(self, command_id: str) -> list[str]:
        """What the gateway and then the browser told of a push, each once, in the order of its time, from Kafka."""
        found = [each for each in self.topics.feedback() if each.command_id == command_id and each.channel == CHANNEL_WEB_PUSH]
        assert all(each.device_id.startswith("web-") for each in found)
        outcomes = [Outcome.Name(each.outcome).removeprefix("OUTCOME_") for each in sorted(found, key=lambda each: each.occurred_at_ms)]
        assert all(outcomes.count(once) <= 1 for once in ("ACCEPTED", "OPENED"))  # the browser is given the others again (`insisting`)
        return list(dict.fromkeys(outcomes))


@pytest.fixture(scope="module")
def stage(browser: Browser, kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    expect.set_options(timeout=PATIENCE_MS)
    folder = tmp_path_factory.mktemp("web-push")
    service = BrowserService()
    with ProviderServer(folder, service) as server, pytest.MonkeyPatch.context() as patch:
        service.url = server.url
        patch.setitem(os.environ, "SSL_CERT_FILE", str(server.certificate))
        with staged(folder, kafka.bootstrap_servers, PREFIX, time.time_ns() // 1_000_000, [f"127.0.0.1:{server.port}"]) as address:
            key = load_pem_private_key((folder / "vapid.pem").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            service.vapid_key = key
            topics = Topics(kafka.bootstrap_servers, PREFIX)
            yield Stage(address, service, topics)
            topics.close()


def path_of(person: str) -> str:
    """At the push service: everybody has a browser of their own."""
    return f"/push/{person.split(',', maxsplit=1)[0].lower()}"


def card(page: Page) -> Locator:
    return page.get_by_role("region", name="When this page is closed")


def subscribed(browser: Browser, stage: Stage, name: str) -> Watched:
    """As one of the people, in a browser that allows notifications and now gets theirs."""
    seen = opened(browser, stage.address, subscribing(stage.service, path_of(name)), **ALLOWED)
    become(seen.page, name)
    first = name.split(",", maxsplit=1)[0]
    card(seen.page).get_by_role("button", name=f"Show what is pushed to {first}").click()
    expect(card(seen.page)).to_contain_text(f"This browser shows what is pushed to {first}.")
    return seen


def test_who_steps_away_sees_the_push_as_the_browsers_notification_and_kairos_hears_of_the_dismissal(
    browser: Browser, stage: Stage
) -> None:
    seen = subscribed(browser, stage, "Ada, Lisbon")
    page = seen.page
    assert subscribed_with(page) == public(stage.service.vapid_key)
    notifications = Notifications(page.context, page)
    card(page).get_by_role("button", name="Step away").click()
    expect(page.locator("#link")).to_have_text("Away")

    pushed = first_pushed(page, stage, "Ada")
    eventually(lambda: stage.told(pushed["command_id"]) == ["ACCEPTED"], "what the gateway says is dated before what the browser does")
    insisting(
        lambda: notifications.deliver(pushed),
        lambda: notifications.shown() and "DISPLAYED" in stage.told(pushed["command_id"]),
        "shown, and told",
    )
    (shown,) = notifications.shown()
    assert shown["title"] == pushed["title"]
    assert shown["body"].lower().endswith(f"{pushed['reason']}.".lower())
    assert page.request.get(shown["icon"]).headers["content-type"] == "image/png"
    expect(page.get_by_role("article")).to_have_count(0)

    insisting(notifications.close, lambda: stage.told(pushed["command_id"]) == ["ACCEPTED", "DISPLAYED", "DISMISSED"], "all of it in Kafka")
    expect(page.locator("[data-part=timeline]")).to_contain_text("dismissed")
    look(page, 6)
    expect(page.locator("[data-part=verdict]")).to_contain_text("the user dismissed a push lately")

    card(page).get_by_role("button", name="Come back").click()
    expect(page.locator("#link")).to_have_text("Connected")
    assert seen.complaints == []


def insisting(act: Callable[[], None], holds: Callable[[], object], what: str) -> None:
    """Headless Chromium loses now and then what is given to a worker from outside, so it is given again."""
    for _ in range(3):
        act()
        if soon(holds, what, 12):
            return
    act()
    eventually(holds, what)


def soon(condition: Callable[[], object], what: str, deadline_s: float) -> bool:
    try:
        eventually(condition, what, deadline_s)
    except AssertionError:
        return False
    return True


def first_pushed(page: Page, stage: Stage, person: str) -> dict[str, str]:
    """Which look brings it is the policy's business."""
    for place in range(6):
        look(page, place)
        if soon(lambda: stage.pushed(person), "a push", 14):
            return stage.pushed(person)[0]
    raise AssertionError(page.locator("#panel").inner_text())


def test_a_click_opens_the_page_that_was_closed_on_the_item_as_the_one_it_was_pushed_to(browser: Browser, stage: Stage) -> None:
    page = subscribed(browser, stage, "Ben, New York").page
    keeper = page.context.new_page()
    notifications = Notifications(page.context, keeper)
    page.get_by_role("button", name="Add to cart").nth(2).click()
    expect(page.locator("[data-dial=next]")).to_contain_text("it is not yet time for what this is about")
    become(page, "Ada, Lisbon")  # whom the browser showed last is not who is pushed to
    page.close()
    httpx.post(f"{stage.address}/api/people/demo-ben/clock", json={"byMs": 3 * 3_600_000}).raise_for_status()
    pushed = eventually(lambda: stage.pushed("Ben"), "the push")[0]
    insisting(lambda: notifications.deliver(pushed), notifications.shown, "the notification")
    went = notifications.click()
    assert notifications.shown() == []

    again = keeper.context.new_page()
    again.goto(f"{stage.address}{went}")
    expect(again.get_by_role("dialog")).to_be_visible()
    expect(again.get_by_label("about")).to_have_text("Ben")
    expect(again.locator("[data-part=timeline]")).to_contain_text("opened")
    # the clock of the gateway is the machine's, and the person's is hours ahead
    eventually(lambda: stage.told(pushed["command_id"]) == ["ACCEPTED", "DISPLAYED", "OPENED"], "all of it in Kafka")
    assert again.evaluate("location.search") == ""


def test_a_page_that_is_open_is_used_for_what_was_clicked_on(browser: Browser, stage: Stage) -> None:
    page = subscribed(browser, stage, "Eva, Sao Paulo").page
    notifications = Notifications(page.context, page)
    item = page.request.get(f"{stage.address}/api/items?scenario=shop").json()["items"][0]
    become(page, "Farid, Kolkata")

    notifications.deliver({"command_id": "c-1", "title": "Blue mug", "item_ids": [item["id"]]})
    eventually(notifications.shown, "the notification")

    assert notifications.click().startswith(stage.address)
    expect(page.get_by_role("dialog", name=item["title"])).to_be_visible()
    expect(page.get_by_label("You are")).to_have_value("demo-eva")


def test_a_browser_is_one_persons_until_it_is_given_to_another_or_taken_back(browser: Browser, stage: Stage) -> None:
    seen = subscribed(browser, stage, "Chen, Singapore")
    page = seen.page
    become(page, "Dalia, Berlin")
    expect(card(page)).to_contain_text("This browser shows what is pushed to Chen.")

    with page.expect_response(lambda answer: answer.request.method == "DELETE") as forgotten:
        card(page).get_by_role("button", name="Show what is pushed to Dalia").click()
    assert (forgotten.value.status, "/v1/devices/web-" in forgotten.value.url) == (204, True)
    expect(card(page)).to_contain_text("This browser shows what is pushed to Dalia.")
    page.reload()
    expect(card(page)).to_contain_text("This browser shows what is pushed to Dalia.")

    with page.expect_response(lambda answer: answer.request.method == "DELETE") as forgotten:
        card(page).get_by_role("button", name="Stop").click()
    assert forgotten.value.status == 204
    expect(card(page)).to_contain_text("This browser can show pushes")
    expect(card(page).get_by_role("button", name="Show what is pushed to Dalia")).to_be_focused()
    assert subscribed_with(page) is None
    assert seen.complaints == []


def test_who_stops_while_away_can_come_back(browser: Browser, stage: Stage) -> None:
    seen = subscribed(browser, stage, "Dalia, Berlin")
    page = seen.page
    card(page).get_by_role("button", name="Step away").click()
    expect(card(page)).to_contain_text("pushes come as notifications of this browser")

    card(page).get_by_role("button", name="Stop").click()
    expect(card(page).get_by_role("button", name="Stop")).to_have_count(0)
    expect(card(page)).to_contain_text("Dalia is away: for Kairos this page is closed.")

    card(page).get_by_role("button", name="Come back").click()
    expect(page.locator("#link")).to_have_text("Connected")
    expect(card(page)).to_contain_text("This browser can show pushes")
    expect(card(page).get_by_role("button", name="Step away")).to_have_count(0)
    assert seen.complaints == []


def test_a_subscription_for_the_key_of_another_demo_is_given_up(browser: Browser, stage: Stage) -> None:
    page = subscribed(browser, stage, "Farid, Kolkata").page
    page.evaluate("key => { localStorage['tests.web-push-key'] = key }", public(ec.generate_private_key(ec.SECP256R1())))

    page.reload()

    expect(card(page)).to_contain_text("This browser can show pushes")
    assert subscribed_with(page) is None


def test_a_browser_that_allows_no_notifications_says_so(browser: Browser, stage: Stage) -> None:
    seen = opened(browser, stage.address)

    card(seen.page).get_by_role("button", name="Show what is pushed to").click()

    expect(card(seen.page)).to_contain_text("Not here: this browser does not allow notifications")
    assert seen.complaints == []


def test_a_browser_without_a_push_service_says_so(browser: Browser, stage: Stage) -> None:
    seen = opened(browser, stage.address, **ALLOWED)

    card(seen.page).get_by_role("button", name="Show what is pushed to").click()

    expect(card(seen.page)).to_contain_text("Not here: this browser cannot reach its push service")
    assert all("Push API in incognito mode" in each for each in seen.complaints)  # Chromium's own word for why


def test_a_push_service_that_does_not_answer_is_not_waited_for_for_ever(browser: Browser, stage: Stage) -> None:
    silent = "PushManager.prototype.subscribe = () => new Promise(() => {});"
    seen = opened(browser, stage.address, silent, **ALLOWED)
    become(seen.page, "Eva, Sao Paulo")
    seen.page.clock.install()

    card(seen.page).get_by_role("button", name="Show what is pushed to").click()
    expect(card(seen.page)).to_contain_text("Asking this browser")
    seen.page.wait_for_function("navigator.serviceWorker.ready")
    for _ in range(10):  # seconds after it was asked, whenever that was
        seen.page.clock.run_for(2_000)

    expect(card(seen.page)).to_contain_text("Not here: this browser's push service does not answer.")
    assert seen.complaints == []
