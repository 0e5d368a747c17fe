"""Providers whose answers are broken, endless or odd: each push gets a verdict, and the gateway goes on."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.channels import apns, fcm
from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.channels.http_answers import MOST_READ_BYTES, post
from gateway.delivery.channels.web_push import _are_keys, _encrypted
from gateway.delivery.sending import Sender
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PURPOSE_EDITORIAL, Target
from tests.gateway.delivery.provider import Reply
from tests.gateway.delivery.services import Apple, Google, apns_error, fcm_error
from tests.gateway.delivery.test_providers import HOUR_MS, IPHONE, NOW_MS, PHONE, World, apple, google, push, settings, subscribed

__all__ = ["apple", "google"]  # fixtures

Raw = Callable[[asyncio.StreamWriter], Any]


def posted(answer: Raw, timeout_s: float = 5.0) -> httpx.Response | Answer:
    """What comes of a call to a server that writes what `answer` says."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def work() -> httpx.Response | Answer:
        async with await asyncio.start_server(served, "127.0.0.1", 0) as server, httpx.AsyncClient(timeout=timeout_s) as client:
            return await post(client, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", b"{}", {})

    return asyncio.run(work())


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 503 Not Now", "Retry-After: 7", *lines, "", "")).encode()


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(b"x" * 100_000_000, 1)[:1000]])
def test_what_is_compressed_although_nobody_asked_is_not_read(body: bytes) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head("Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
        await writer.drain()

    got = posted(answer)
    assert isinstance(got, httpx.Response)
    assert (got.status_code, got.headers["retry-after"], got.content) == (503, "7", b"")


def test_an_answer_without_end_is_read_as_far_as_it_may_matter() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head("Transfer-Encoding: chunked"))
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    got = posted(answer)
    assert isinstance(got, httpx.Response)
    assert len(got.content) == MOST_READ_BYTES


def test_an_answer_that_trickles_in_takes_no_longer_than_any_other() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head("Content-Length: 1000"))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)  # no single wait is long

    got = posted(answer, timeout_s=0.3)
    assert isinstance(got, Answer)
    assert (got.verdict, got.code) == (Verdict.AGAIN, "TimeoutError")


NAMES = st.sampled_from(["error", "details", "errorCode", "fieldViolations", "field", "status", "message", "name", "reason"])
JSON = st.recursive(
    st.none() | st.text(max_size=3) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(status=st.sampled_from([200, 302, 400, 401, 403, 404, 410, 429, 500]), document=JSON)
def test_any_answer_has_a_verdict(status: int, document: Any) -> None:
    response = httpx.Response(status, json=document)
    for understood in (fcm.answer(response, NOW_MS), apns.answer(response, NOW_MS)):
        assert (understood.verdict is Verdict.ACCEPTED) == (status == 200)


def test_a_campaigns_name_is_made_a_label_that_google_takes(google: tuple[Google, World]) -> None:
    service, world = google
    assert world.send(push(campaign_id="Herbst 2026: 20% für alle!"), PHONE).verdict is Verdict.ACCEPTED
    assert service.sent[0]["message"]["android"]["fcmOptions"] == {"analyticsLabel": "Herbst_2026__20%_f_r_alle_"}


def test_what_fcm_passes_on_to_iphones_and_browsers_ends_in_time_too(google: tuple[Google, World]) -> None:
    service, world = google
    world.send(push(purpose=PURPOSE_EDITORIAL), PHONE)
    message = service.sent[0]["message"]
    assert message["apns"]["headers"] == {
        "apns-expiration": str((NOW_MS + HOUR_MS) // 1000),
        "apns-priority": "5",
        "apns-collapse-id": "item-mug-7",
    }
    assert message["webpush"]["headers"] == {"TTL": "3600", "Urgency": "normal", "Topic": "item-mug-7"}
    assert message["android"]["notification"]["channelId"] == "editorial"


def test_an_apps_own_data_loses_only_what_google_keeps_for_itself(google: tuple[Google, World]) -> None:
    service, world = google
    sent = push()
    sent.command.content.data.update({"from": "x", "from_city": "Porto", "google.y": "x", "message_type": "x"})
    world.send(sent, PHONE)
    data = service.sent[0]["message"]["data"]
    assert data["from_city"] == "Porto"
    assert not {"from", "google.y", "message_type"} & data.keys()


def test_many_that_are_refused_with_one_token_get_one_new_token(google: tuple[Google, World], apple: tuple[Apple, World]) -> None:
    for service, world, target, reply in (
        (google[0], google[1], PHONE, fcm_error(401, "UNAUTHENTICATED")),
        (apple[0], apple[1], IPHONE, apns_error(403, "ExpiredProviderToken")),
    ):
        service.replies = [reply] * 5  # type: ignore[attr-defined]

        async def work(world: World = world, target: Target = target) -> list[Answer]:
            channel = world._channel()
            sender = Sender(channel, settings().delivery.retry, lambda: NOW_MS)
            found = await asyncio.gather(*(sender.send(push(), target, quiet, lambda: None) for _ in range(5)))
            await channel.close()
            return [answer for answer, _ in found]

        assert {answer.verdict for answer in asyncio.run(work())} == {Verdict.ACCEPTED}
    assert google[0].tokens_given == 2
    assert len(apple[0].signatures) == 2


async def quiet(_answer: Answer, _attempt: int) -> None:
    pass


@pytest.mark.parametrize(
    ("reply", "others_wait"),
    [
        (fcm_error(429, "QUOTA_EXCEEDED"), False),  # without a word of when: it may be this device's own quota
        (fcm_error(429, "QUOTA_EXCEEDED", headers={"retry-after": "30"}), True),
        (fcm_error(503, "UNAVAILABLE", headers={"retry-after": "30"}), True),
    ],
)
def test_one_devices_quota_does_not_hold_up_the_others(google: tuple[Google, World], reply: Reply, others_wait: bool) -> None:
    service, world = google
    service.replies = [reply]
    waits: list[float] = []
    clock = [NOW_MS]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += round(seconds * 1000)

    async def work() -> None:
        channel = world._channel()
        sender = Sender(channel, settings(retry={"attempts": 1}).delivery.retry, lambda: clock[0], sleep)
        await sender.send(push(), PHONE, quiet, lambda: None)
        await sender.send(push(command_id="the-next"), PHONE, quiet, lambda: None)
        await channel.close()

    asyncio.run(work())
    assert bool(waits) is others_wait


def test_no_word_of_a_provider_closes_a_channel_for_days(apple: tuple[Apple, World]) -> None:
    service, world = apple
    service.replies = [apns_error(503, "ServiceUnavailable", **{"retry-after": "9999999"})]
    clock = [NOW_MS]
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def work() -> Answer:
        channel = world._channel()
        sender = Sender(channel, settings().delivery.retry, lambda: clock[0], sleep)
        await sender.send(push(), IPHONE, quiet, lambda: None)
        clock[0] += settings().delivery.retry.longest_pause_ms
        answer, _ = await sender.send(Push(push().command, clock[0] + HOUR_MS), IPHONE, quiet, lambda: None)
        await channel.close()
        return answer

    assert asyncio.run(work()).verdict is Verdict.ACCEPTED
    assert waits == []


def test_while_a_provider_is_away_only_so_many_wait_for_it(apple: tuple[Apple, World]) -> None:
    service, world = apple
    service.replies = [apns_error(503, "ServiceUnavailable", **{"retry-after": "60"})]
    waiting = asyncio.Event()
    back = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waiting.set()
        await back.wait()

    async def work() -> list[tuple[Answer, int]]:
        channel = world._channel()
        sender = Sender(
            channel, settings(retry={"most_waiting": 1}).delivery.retry, lambda: NOW_MS if not back.is_set() else NOW_MS + 60_000, sleep
        )
        first = asyncio.create_task(sender.send(push(), IPHONE, quiet, lambda: None))
        await waiting.wait()
        others = [await sender.send(push(), IPHONE, quiet, lambda: None) for _ in range(2)]  # they return
        back.set()
        found = [await first, *others, await sender.send(push(), IPHONE, quiet, lambda: None)]
        await channel.close()
        return found

    found = asyncio.run(work())
    assert [(answer.verdict, answer.code) for answer, _ in found] == [
        (Verdict.ACCEPTED, "200"),
        (Verdict.AGAIN, "CROWDED"),
        (Verdict.AGAIN, "CROWDED"),
        (Verdict.ACCEPTED, "200"),
    ]
    assert [attempts for _, attempts in found] == [2, 0, 0, 1]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, b"<html>a proxy's page</html>"), Verdict.AGAIN),
        (Reply(200, b"[]"), Verdict.AGAIN),
        (Reply(503, b"{}"), Verdict.AGAIN),
        (Reply(400, b'{"error": "invalid_grant"}'), Verdict.CREDENTIALS),
    ],
)
def test_a_token_server_that_is_broken_is_asked_again_and_one_that_refuses_is_not(
    google: tuple[Google, World], monkeypatch: pytest.MonkeyPatch, reply: Reply, verdict: Verdict
) -> None:
    service, world = google
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _seconds: None)
    monkeypatch.setattr(service, "_token", lambda _request: reply)
    assert world.send(push(), PHONE).verdict is verdict


@given(
    p256dh=st.sampled_from(["", "A" * 87, "=", "+/", "\n"]) | st.text(max_size=90) | st.binary(max_size=70).map(lambda raw: raw.hex()),
    auth=st.text(max_size=24) | st.sampled_from(["c2l4dGVlbiBzZWNyZXRzIQ", "c2l4dGVlbiBzZWNyZXRzIQ==", "c2l4dGVlbiBzZWNyZXRzIQ\n"]),
    as_given=st.sampled_from(["whole", "compressed", "padded", "standard"]),
)
def test_what_passes_for_a_browsers_keys_can_be_encrypted_for(p256dh: str, auth: str, as_given: str) -> None:
    import base64

    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.derive_private_key(1234567, ec.SECP256R1()).public_key()
    form = ser.PublicFormat.CompressedPoint if as_given == "compressed" else ser.PublicFormat.UncompressedPoint
    point = base64.b64encode(key.public_bytes(ser.Encoding.X962, form)).decode()
    if as_given != "standard":
        point = point.replace("+", "-").replace("/", "_")
    if as_given == "whole":
        point = point.rstrip("=")
    for candidate in (p256dh, point):
        target = Target(channel=feedback_pb2.CHANNEL_WEB_PUSH, endpoint="https://x", p256dh=candidate, auth=auth)
        if _are_keys(target):
            assert _encrypted(target, b"{}")


@pytest.mark.parametrize(
    "host", ["evil.example\\.push.apple.com", "evil.example%2f.push.apple.com", "ｗeb.push.apple.com", "a_b.push.apple.com"]
)
def test_a_host_that_readers_of_addresses_may_read_differently_is_not_called(host: str) -> None:
    channel, target = subscribed("https://web.push.apple.com")
    target.endpoint = f"https://{host}/x"
    assert not channel.takes(target)
