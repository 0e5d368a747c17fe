"""Web Push, FCM and APNs against servers that speak their protocols: HTTP/2, real signatures, real encryption."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from gateway.common.settings import default_document
from gateway.delivery.channels.apns import ApnsChannel
from gateway.delivery.channels.channel import Answer, Channel, Push, Verdict
from gateway.delivery.channels.fcm import FcmChannel
from gateway.delivery.channels.web_push import WebPushChannel
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySettings
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PRIORITY_HIGH, Content, PushCommand, Target
from tests.gateway.delivery.provider import ProviderServer, Reply
from tests.gateway.delivery.services import Apple, BrowserService, Google, apns_error, fcm_error, pem

NOW_MS = 1_764_000_000_000
HOUR_MS = 3_600_000
PHONE = Target(channel=feedback_pb2.CHANNEL_FCM, token="f00d", device_id="phone")
IPHONE = Target(channel=feedback_pb2.CHANNEL_APNS, token="ab12", device_id="iphone", app_id=Apple.topic)


def settings(**delivery: Any) -> DeliverySettings:
    document = default_document("delivery")
    for name, values in delivery.items():
        document["delivery"][name] |= values
    return DeliverySettings.model_validate(document)


def push(**fields: Any) -> Push:
    values: dict[str, Any] = {
        "command_id": "0123456789abcdef0123456789abcdef",
        "user_id": "ada",
        "content": Content(title="Blue mug", body="Back in stock", deep_link="shop://mug-7"),
        "collapse_key": "item-mug-7",
        "item_ids": ["mug-7"],
        "campaign_id": "autumn",
    }
    return Push(PushCommand(**(values | fields)), NOW_MS + HOUR_MS)


def run(work: Callable[[], Awaitable[Answer]]) -> Answer:
    async def alone() -> Answer:
        return await work()

    return asyncio.run(alone())


class World:
    """One provider with its server, and a channel that is opened anew in each event loop."""

    def __init__(self, server: ProviderServer, open_channel: Callable[[httpx.AsyncClient], Channel]) -> None:
        self.server = server
        self._open = open_channel

    def send(self, sent: Push, target: Target, times: int = 1) -> Answer:
        async def work() -> Answer:
            channel = self._channel()
            answers = [await channel.send(sent, target, NOW_MS) for _ in range(times)]
            await channel.close()
            return answers[-1]

        return run(work)

    def send_until_known(self, sent: Push, target: Target, start_ms: int = NOW_MS) -> tuple[Answer, int, list[float]]:
        """With retries, in a world where waiting takes no time. The answer, the attempts, the waits in seconds."""
        clock = [start_ms]
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            clock[0] += round(seconds * 1000)

        async def quiet(_answer: Answer, _attempt: int) -> None:
            pass

        attempts = 0

        async def work() -> Answer:
            nonlocal attempts
            channel = self._channel()
            sender = Sender(channel, settings().delivery.retry, lambda: clock[0], sleep)
            answer, attempts = await sender.send(sent, target, quiet, lambda: None)
            await channel.close()
            return answer

        return run(work), attempts, waits

    def _channel(self) -> Channel:
        return self._open(httpx.AsyncClient(http2=True, verify=self.server.client_context()))


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[tuple[BrowserService, World]]:
    service = BrowserService(lambda: NOW_MS / 1000)
    with ProviderServer(made(tmp_path / type(service).__name__), service) as server:
        service.url = server.url
        web_push = settings(web_push={"subject": "mailto:push@shop.example", "allowed_hosts": [f"127.0.0.1:{server.port}"]})
        key = pem(service.vapid_key)
        yield service, World(server, lambda client: WebPushChannel(web_push.delivery.web_push, key, client))


@pytest.fixture
def google(tmp_path: Path) -> Iterator[tuple[Google, World]]:
    service = Google()
    with ProviderServer(made(tmp_path / type(service).__name__), service) as server:
        service.url = server.url
        fcm = settings(fcm={"url": server.url}).delivery.fcm

        def opened(client: httpx.AsyncClient) -> FcmChannel:
            return FcmChannel(fcm, service.service_account(), client, httpx.Client(http2=True, verify=server.client_context()))

        yield service, World(server, opened)


@pytest.fixture
def apple(tmp_path: Path) -> Iterator[tuple[Apple, World]]:
    service = Apple()
    with ProviderServer(made(tmp_path / type(service).__name__), service) as server:
        apns = settings(apns={"url": server.url, "key_id": Apple.key_id, "team_id": Apple.team_id}).delivery.apns
        yield service, World(server, lambda client: ApnsChannel(apns, pem(service.key), client))


def test_a_browser_decrypts_what_was_sent(browser: tuple[BrowserService, World]) -> None:
    service, world = browser
    answer = world.send(push(priority=PRIORITY_HIGH), service.subscription())

    assert answer == Answer(Verdict.ACCEPTED, "201", message_id=f"{service.url}/m/1")
    assert service.shown[0]["title"] == "Blue mug"
    assert service.shown[0]["command_id"] == "0123456789abcdef0123456789abcdef"
    assert "user_id" not in service.shown[0]
    assert (service.headers[0]["ttl"], service.headers[0]["urgency"], service.headers[0]["topic"]) == ("3600", "high", "item-mug-7")


def test_what_is_too_long_for_a_browser_is_shortened_and_still_fits(browser: tuple[BrowserService, World]) -> None:
    service, world = browser
    long = Content(title="Blue mug", body="ü" * 5000, data={"note": "x" * 2000})
    answer = world.send(push(content=long), service.subscription())

    assert answer.verdict is Verdict.ACCEPTED
    assert service.shown[0]["body"].startswith("üüü")
    assert service.shown[0]["body"].endswith("…")
    assert "data" not in service.shown[0]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (404, Verdict.DEAD_ADDRESS),
        (410, Verdict.DEAD_ADDRESS),
        (413, Verdict.REFUSED),
        (400, Verdict.REFUSED),
        (403, Verdict.CREDENTIALS),
        (429, Verdict.AGAIN),
        (502, Verdict.AGAIN),
    ],
)
def test_what_a_push_service_says_is_understood(browser: tuple[BrowserService, World], status: int, verdict: Verdict) -> None:
    service, world = browser
    service.replies = [Reply(status)]

    assert world.send(push(), service.subscription()).verdict is verdict


def subscribed(url: str) -> tuple[WebPushChannel, Target]:
    """A channel as it is set up by default, and a browser's address at this push service, which it takes."""
    service = BrowserService()
    web_push = settings(web_push={"subject": "mailto:push@shop.example"}).delivery.web_push
    channel = WebPushChannel(web_push, pem(service.vapid_key), httpx.AsyncClient())
    service.url = url
    target = service.subscription()
    assert channel.takes(target)
    return channel, target


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://169.254.169.254/latest/meta-data",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "https://push.services.mozilla.com.evil/x",
        "https://[::1]/x",
        "nonsense",
    ],
)
def test_no_address_but_those_of_push_services_is_called(endpoint: str) -> None:
    channel, target = subscribed("https://updates.push.services.mozilla.com")
    target.endpoint = endpoint

    assert not channel.takes(target)


def test_a_browsers_keys_that_are_none_retire_it(browser: tuple[BrowserService, World]) -> None:
    service, world = browser
    broken = service.subscription()
    broken.p256dh = "AAAA"

    assert world.send(push(), broken).verdict is Verdict.DEAD_ADDRESS


def test_fcm_gets_the_message_and_one_token_serves_many(google: tuple[Google, World]) -> None:
    service, world = google
    answer = world.send(push(priority=PRIORITY_HIGH), PHONE, times=3)

    assert answer == Answer(Verdict.ACCEPTED, "200", message_id="projects/shop-1/messages/3")
    assert service.tokens_given == 1
    message = service.sent[0]["message"]
    assert message["token"] == "f00d"
    assert message["notification"] == {"title": "Blue mug", "body": "Back in stock"}
    assert message["data"]["command_id"] == "0123456789abcdef0123456789abcdef"
    android = message["android"]
    assert (android["priority"], android["ttl"], android["collapseKey"]) == ("HIGH", "3600s", "item-mug-7")
    assert android["notification"]["tag"] == "item-mug-7"
    assert android["fcmOptions"] == {"analyticsLabel": "autumn"}
    assert "ada" not in str(service.sent)


def test_a_silent_push_shows_nothing_and_a_dry_run_only_validates(google: tuple[Google, World]) -> None:
    service, world = google
    world.send(push(silent=True, dry_run=True), PHONE)

    assert service.sent[0]["validateOnly"] is True
    assert "notification" not in service.sent[0]["message"]


@pytest.mark.parametrize(
    ("reply", "verdict", "code"),
    [
        (fcm_error(404, "UNREGISTERED"), Verdict.DEAD_ADDRESS, "UNREGISTERED"),
        (fcm_error(403, "SENDER_ID_MISMATCH"), Verdict.DEAD_ADDRESS, "SENDER_ID_MISMATCH"),
        (fcm_error(400, "INVALID_ARGUMENT", field="message.token"), Verdict.DEAD_ADDRESS, "INVALID_ARGUMENT"),
        (fcm_error(400, "INVALID_ARGUMENT", field="message.android.ttl"), Verdict.REFUSED, "INVALID_ARGUMENT"),
        (fcm_error(401, "THIRD_PARTY_AUTH_ERROR"), Verdict.REFUSED, "THIRD_PARTY_AUTH_ERROR"),
        (fcm_error(403, "PERMISSION_DENIED"), Verdict.CREDENTIALS, "PERMISSION_DENIED"),
        (fcm_error(429, "QUOTA_EXCEEDED"), Verdict.AGAIN, "QUOTA_EXCEEDED"),
        (fcm_error(503, "UNAVAILABLE"), Verdict.AGAIN, "UNAVAILABLE"),
        (fcm_error(500, "INTERNAL"), Verdict.AGAIN, "INTERNAL"),
        (Reply(502, b"<html>"), Verdict.AGAIN, "502"),
        (Reply(400, b"[]"), Verdict.REFUSED, "400"),
    ],
)
def test_what_fcm_says_is_understood(google: tuple[Google, World], reply: Reply, verdict: Verdict, code: str) -> None:
    service, world = google
    service.replies = [reply]
    answer = world.send(push(), PHONE)

    assert (answer.verdict, answer.code) == (verdict, code)


def test_an_access_token_that_is_refused_is_fetched_anew_once(google: tuple[Google, World]) -> None:
    service, world = google
    service.replies = [fcm_error(401, "UNAUTHENTICATED")]
    answer, attempts, waits = world.send_until_known(push(), PHONE)

    assert (answer.verdict, attempts, waits, service.tokens_given) == (Verdict.ACCEPTED, 1, [], 2)


def test_quota_is_waited_for_as_long_as_google_asks(google: tuple[Google, World]) -> None:
    service, world = google
    service.replies = [fcm_error(429, "QUOTA_EXCEEDED", headers={"retry-after": "7"}), fcm_error(429, "QUOTA_EXCEEDED")]
    answer, attempts, waits = world.send_until_known(push(), PHONE)

    assert (answer.verdict, attempts) == (Verdict.ACCEPTED, 3)
    assert waits == [7.0, 60.0]  # without a word of when, a minute


def test_apple_gets_the_payload_and_the_same_signature_serves_many(apple: tuple[Apple, World]) -> None:
    service, world = apple
    answer = world.send(push(priority=PRIORITY_HIGH, relevance=0.75, thread_id="mugs"), IPHONE, times=2)

    assert answer.verdict is Verdict.ACCEPTED
    headers, payload = service.sent[0]
    assert headers["path"] == "/3/device/ab12"
    assert (headers["apns-push-type"], headers["apns-priority"], headers["apns-collapse-id"]) == ("alert", "10", "item-mug-7")
    assert headers["apns-expiration"] == str((NOW_MS + HOUR_MS) // 1000)
    assert answer.message_id == headers["apns-id"] == service.sent[1][0]["apns-id"]  # the same command, the same id
    assert payload["aps"]["alert"] == {"title": "Blue mug", "body": "Back in stock"}
    assert (payload["aps"]["relevance-score"], payload["aps"]["thread-id"]) == (0.75, "mugs")
    assert payload["kairos"]["command_id"] == "0123456789abcdef0123456789abcdef"
    assert len(service.signatures) == 1
    assert world.server.connections == 1


def test_what_is_too_long_for_apple_is_shortened_and_still_fits(apple: tuple[Apple, World]) -> None:
    service, world = apple
    world.send(push(content=Content(title="Blue mug", body="ü" * 5000)), IPHONE)

    assert service.sent[0][1]["aps"]["alert"]["body"].endswith("ü…")


def test_a_silent_push_wakes_an_iphone_in_the_background(apple: tuple[Apple, World]) -> None:
    service, world = apple
    world.send(push(silent=True, priority=PRIORITY_HIGH), IPHONE)

    headers, payload = service.sent[0]
    assert (headers["apns-push-type"], headers["apns-priority"], payload["aps"]) == ("background", "5", {"content-available": 1})


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (apns_error(410, "Unregistered"), Verdict.DEAD_ADDRESS),
        (apns_error(410, "ExpiredToken"), Verdict.DEAD_ADDRESS),
        (apns_error(400, "BadDeviceToken"), Verdict.DEAD_ADDRESS),
        (apns_error(400, "DeviceTokenNotForTopic"), Verdict.DEAD_ADDRESS),
        (apns_error(400, "BadCollapseId"), Verdict.REFUSED),
        (apns_error(413, "PayloadTooLarge"), Verdict.REFUSED),
        (apns_error(403, "ExpiredProviderToken"), Verdict.CREDENTIALS),
        (apns_error(403, "Forbidden"), Verdict.REFUSED),
        (apns_error(429, "TooManyRequests"), Verdict.AGAIN),
        (apns_error(503, "Shutdown"), Verdict.AGAIN),
        (Reply(500, b"not JSON"), Verdict.AGAIN),
    ],
)
def test_what_apple_says_is_understood(apple: tuple[Apple, World], reply: Reply, verdict: Verdict) -> None:
    service, world = apple
    service.replies = [reply]

    assert world.send(push(), IPHONE).verdict is verdict


def test_retries_back_off_and_end(apple: tuple[Apple, World]) -> None:
    service, world = apple
    service.replies = [apns_error(503, "ServiceUnavailable")] * 6
    answer, attempts, waits = world.send_until_known(push(), IPHONE)

    assert (answer.verdict, answer.code, attempts) == (Verdict.AGAIN, "ServiceUnavailable", 6)
    assert len(waits) == 5
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(waits))


def test_no_retry_goes_past_the_end_of_a_push(apple: tuple[Apple, World]) -> None:
    service, world = apple
    service.replies = [Reply(503, b"{}", {"retry-after": "60"})] * 2
    answer, attempts, waits = world.send_until_known(push(), IPHONE, start_ms=NOW_MS + HOUR_MS - 61_000)
    assert (answer.verdict, attempts, waits) == (Verdict.AGAIN, 2, [60.0])

    answer, attempts, waits = world.send_until_known(push(), IPHONE, start_ms=NOW_MS + HOUR_MS)
    assert (answer.code, attempts) == ("OUT_OF_TIME", 0)


def test_a_provider_that_is_away_is_tried_again(apple: tuple[Apple, World], tmp_path: Path) -> None:
    _, world = apple
    world.server.__exit__()
    answer, attempts, _ = world.send_until_known(push(), IPHONE)

    assert (answer.verdict, attempts) == (Verdict.AGAIN, 6)


@given(
    word=st.text(max_size=40),
    other=st.text(max_size=40),
    urgent=st.booleans(),
    silent=st.booleans(),
)
@settings_of_hypothesis(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_word_in_a_command_or_an_address_breaks_a_channel(
    google: tuple[Google, World],
    apple: tuple[Apple, World],
    browser: tuple[BrowserService, World],
    word: str,
    other: str,
    urgent: bool,
    silent: bool,
) -> None:
    content = Content(
        title=word, body=other, sound=other, icon=word, deep_link=other, data={word: other, "from": word}, title_loc_args=[word]
    )
    sent = push(
        content=content, collapse_key=word, campaign_id=other, thread_id=word, silent=silent, priority=PRIORITY_HIGH if urgent else 0
    )
    subscription = browser[0].subscription("/push/" + word)
    for world, target in (
        (google[1], Target(token=word + "x", app_id=other)),
        (apple[1], Target(token="ab12", app_id=Apple.topic)),
        (browser[1], subscription),
        (browser[1], Target(endpoint=subscription.endpoint, p256dh=word, auth=other)),
    ):
        assert world.send(sent, target).verdict in Verdict


@pytest.mark.parametrize("token", ["", "ab/../cd", "ä", "a b", "a\r\nx: y"])
def test_an_apple_token_that_is_none_is_not_called(apple: tuple[Apple, World], token: str) -> None:
    channel = ApnsChannel(settings(apns={"key_id": "K", "team_id": "T"}).delivery.apns, pem(apple[0].key), httpx.AsyncClient())

    assert not channel.takes(Target(token=token, app_id=Apple.topic))
    assert not channel.takes(Target(token="ab12", app_id=token + "\n"))
