"""The gateway with all its channels: which device gets a push, what happens when it does not take it, and what the job is told."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kairos.v1 import feedback_pb2
from kairos.v1.feedback_pb2 import CHANNEL_APNS, CHANNEL_FCM, CHANNEL_WEBHOOK
from kairos.v1.push_pb2 import Target
from kairos.v1.signal_pb2 import Device as KnownDevice
from kairos.v1.signal_pb2 import Signal, UserUpdate
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.processes import GatewayProcess, Topics, command, eventually, now_ms, token
from tests.gateway.delivery.provider import Answering, ProviderServer, Reply
from tests.gateway.delivery.services import Apple, BrowserService, Google, apns_error, fcm_error, pem

pytestmark = pytest.mark.kafka

SHOP = {"SHOP_SECRET": SECRET}


@pytest.fixture
def customer() -> Iterator[Customer]:
    with Customer() as listening:
        yield listening


def tell_devices(topics: Topics, user: str, *devices: KnownDevice) -> None:
    update = UserUpdate(update_id=f"u-{now_ms()}", user_id=user, occurred_at_ms=now_ms(), devices=devices, devices_set=True)
    topics.write("interactions", user.encode(), Signal(user_update=update).SerializeToString())


def test_a_webhook_is_signed_and_tried_again_where_that_helps(start: Start, topics: Topics, customer: Customer) -> None:
    customer.replies = [(503, {"Retry-After": "0"}), (429, {}), (204, {}), (400, {}), (410, {})]
    start(SHOP, webhook=customer.settings())
    topics.push(command("c1"))
    eventually(lambda: topics.outcomes("c1")[-1:] == ["ACCEPTED"], "the first")
    topics.push(command("c2"), command("c3"))
    eventually(lambda: topics.outcomes("c3"), "the others")

    assert customer.ids == ["c1", "c1", "c1", "c2", "c3"]
    assert customer.forged == 0
    assert topics.outcomes("c1") == ["RETRYING", "RETRYING", "ACCEPTED"]
    assert topics.outcomes("c2") == ["REJECTED"]
    assert topics.outcomes("c3") == ["TOKEN_INVALID"]
    told = {(each.provider_code, each.attempt) for each in topics.feedback() if each.command_id == "c1"}
    assert told == {("503", 1), ("429", 2), ("204", 3)}


def test_who_is_connected_but_silent_is_reached_another_way(start: Start, topics: Topics, customer: Customer) -> None:
    gateway = start(SHOP, webhook=customer.settings(), stream={"ack_ms": 700})
    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(command("c1"))
        assert phone.pushes(1) == ["c1"]
        phone.ack()
        topics.push(command("c2"))
        assert phone.pushes(1) == ["c2"]  # and it says nothing
        eventually(lambda: topics.outcomes("c2"), "the other way")
        assert phone.receive() == {"type": "taken_back", "command_id": "c2"}  # whoever looks at it now would see it twice

    assert customer.ids == ["c2"]
    assert topics.outcomes("c1") == ["ACCEPTED", "DELIVERED"]
    with closing(Device(gateway)) as phone:
        assert phone.hello().silent()


def test_a_dead_token_is_retired_and_the_next_device_tried(start: Start, topics: Topics, tmp_path: Path) -> None:
    google, apple = Google(), Apple()
    with provided(tmp_path / "google", google) as fcm, provided(tmp_path / "apple", apple) as apns:
        google.url = fcm.url
        google.replies = [fcm_error(404, "UNREGISTERED")]
        both = tmp_path / "both.pem"
        both.write_text(fcm.certificate.read_text() + apns.certificate.read_text())
        environment = {"SSL_CERT_FILE": str(both), "KAIROS_FCM_CREDENTIALS": google.service_account(), "KAIROS_APNS_KEY": pem(apple.key)}
        start(environment, fcm={"url": fcm.url}, apns={"url": apns.url, "key_id": apple.key_id, "team_id": apple.team_id})
        tell_devices(
            topics,
            "ada",
            KnownDevice(channel=CHANNEL_FCM, token="gone", device_id="old-phone"),
            KnownDevice(channel=CHANNEL_APNS, token="ab12", app_id=apple.topic, device_id="iphone"),
        )
        eventually(lambda: topics.committed(f"{topics.prefix}gateway-devices", "interactions") == 1, "the devices are known")
        topics.push(command("c1"), command("c2"))
        eventually(lambda: topics.outcomes("c2"), "both")

        assert topics.outcomes("c1") == ["RETRYING", "ACCEPTED"]
        assert topics.outcomes("c2") == ["ACCEPTED"]
        assert [payload["kairos"]["command_id"] for _, payload in apple.sent] == ["c1", "c2"]
        assert sum(request.path.endswith("messages:send") for request in fcm.requests) == 1
        apple.replies = [apns_error(410, "Unregistered")]
        topics.push(command("c3"), command("c4"))
        eventually(lambda: topics.outcomes("c4"), "the last")
        assert topics.outcomes("c3") == ["TOKEN_INVALID"]  # the last device is dead: the job may give the cap back
        assert topics.outcomes("c4") == ["NO_DEVICE"]


@contextmanager
def a_browser(start: Start, folder: Path, **delivery: Any) -> Iterator[tuple[GatewayProcess, BrowserService, dict[str, Any]]]:
    """A gateway, a browser with its push service, and what the browser says of itself."""
    browser = BrowserService()
    with provided(folder / "browser", browser) as server:
        browser.url = server.url
        environment = {"SSL_CERT_FILE": str(server.certificate), "KAIROS_VAPID_PRIVATE_KEY": pem(browser.vapid_key)}
        known = {"subject": "mailto:push@shop.example", "allowed_hosts": [f"127.0.0.1:{server.port}"]}
        gateway = start(environment, web_push=known, **delivery)
        target = browser.subscription()
        keys = {"p256dh": target.p256dh, "auth": target.auth}
        yield gateway, browser, {"channel": "web_push", "subscription": {"endpoint": target.endpoint, "keys": keys}}


def test_a_browser_registers_itself_gets_a_push_and_goes(start: Start, topics: Topics, tmp_path: Path) -> None:
    with a_browser(start, tmp_path) as (gateway, browser, body):
        url, headers = f"http://{gateway.address}/v1/devices/browser-1", {"Authorization": f"Bearer {token('ada')}"}

        assert httpx.get(f"http://{gateway.address}/v1/web-push/key").json()["public_key"].startswith("B")
        assert httpx.put(url, json=body).status_code == 401
        assert httpx.put(url, json={**body, "channel": "fax"}, headers=headers).status_code == 400
        elsewhere = {"channel": "web_push", "subscription": {**body["subscription"], "endpoint": "https://169.254.169.254/x"}}
        assert httpx.put(url, json=elsewhere, headers=headers).status_code == 400
        assert httpx.put(url, json=body, headers=headers).status_code == 200
        topics.push(command("c1"))
        eventually(lambda: topics.outcomes("c1") == ["ACCEPTED"], "the browser has it")
        assert browser.shown[0]["title"] == "Blue mug"
        assert httpx.delete(url, headers=headers).status_code == 204
        topics.push(command("c2"))
        eventually(lambda: topics.outcomes("c2") == ["NO_DEVICE"], "it is gone")


def register(gateway: GatewayProcess, user: str, body: dict[str, Any]) -> None:
    url = f"http://{gateway.address}/v1/devices/browser-of-{user}"
    assert httpx.put(url, json=body, headers={"Authorization": f"Bearer {token(user)}"}).status_code == 200


def test_a_browser_is_whose_who_signed_in_last(start: Start, topics: Topics, tmp_path: Path) -> None:
    with a_browser(start, tmp_path) as (gateway, browser, body):
        for user in ("ada", "lin"):  # and nobody has signed out
            register(gateway, user, body)
        topics.push(command("hers", "ada"), command("his", "lin"))

        eventually(lambda: topics.outcomes("hers") and "ACCEPTED" in topics.outcomes("his"), "both")
        assert topics.outcomes("hers") == ["NO_DEVICE"]
        assert [shown["command_id"] for shown in browser.shown] == ["his"]


def test_a_browser_that_somebody_else_has_by_now_does_not_get_what_waited_for_an_acknowledgement(
    start: Start, topics: Topics, tmp_path: Path
) -> None:
    with a_browser(start, tmp_path, stream={"ack_ms": 4000}) as (gateway, browser, body), closing(Device(gateway, "ada")) as silent:
        silent.hello()
        register(gateway, "ada", body)
        topics.push(command("hers", "ada"))
        assert silent.pushes(1) == ["hers"]
        register(gateway, "lin", body)

        assert eventually(lambda: topics.outcomes("hers"), "no other way is left") == ["NO_DEVICE"]
        assert browser.shown == []


def test_a_browser_that_somebody_else_has_by_now_is_not_tried_again(start: Start, topics: Topics, tmp_path: Path) -> None:
    with a_browser(start, tmp_path) as (gateway, browser, body):
        register(gateway, "ada", body)
        browser.replies = [Reply(503, headers={"retry-after": "4"})]
        topics.push(command("hers", "ada"))
        eventually(lambda: topics.outcomes("hers") == ["RETRYING"], "tried once")
        register(gateway, "lin", body)

        assert eventually(lambda: topics.outcomes("hers")[1:], "its last word") == ["REJECTED"]
        assert browser.shown == []


def test_all_devices_get_a_push_where_that_is_wished(start: Start, topics: Topics, customer: Customer, tmp_path: Path) -> None:
    apple = Apple()
    with provided(tmp_path / "apple", apple) as apns:
        environment = SHOP | {"SSL_CERT_FILE": str(apns.certificate), "KAIROS_APNS_KEY": pem(apple.key)}
        apns_settings = {"url": apns.url, "key_id": apple.key_id, "team_id": apple.team_id}
        start(environment, devices="all", webhook=customer.settings(), apns=apns_settings)
        targets = [
            Target(channel=CHANNEL_APNS, token="ab12", app_id=apple.topic, device_id="iphone"),
            Target(channel=CHANNEL_APNS, token="cd34", app_id=apple.topic, device_id="ipad"),
            Target(channel=CHANNEL_WEBHOOK, app_id="shop", device_id="crm"),
        ]
        topics.push(command("c1", "ada", *targets))
        eventually(lambda: len(topics.outcomes("c1")) == 3, "all three")

        assert sorted(headers["path"] for headers, _ in apple.sent) == ["/3/device/ab12", "/3/device/cd34"]
        assert customer.ids == ["c1"]
        accepted = {told.device_id for told in topics.feedback() if told.outcome == feedback_pb2.OUTCOME_ACCEPTED}
        assert accepted == {"iphone", "ipad", "crm"}


def test_a_user_who_is_erased_has_no_devices(start: Start, topics: Topics, customer: Customer) -> None:
    start(SHOP, webhook={**customer.settings(), "default_endpoint": ""})
    tell_devices(topics, "ada", KnownDevice(channel=CHANNEL_WEBHOOK, app_id="shop", device_id="crm"))
    eventually(lambda: topics.committed(f"{topics.prefix}gateway-devices", "interactions") == 1, "the device is known")
    topics.push(command("c1"))
    eventually(lambda: topics.outcomes("c1") == ["ACCEPTED"], "it is used")
    erasure = Signal(user_update=UserUpdate(update_id="e", user_id="ada", occurred_at_ms=now_ms(), erase=True))
    topics.write("interactions", b"ada", erasure.SerializeToString())
    eventually(lambda: topics.committed(f"{topics.prefix}gateway-devices", "interactions") == 2, "she is forgotten")
    topics.push(command("c2"))

    eventually(lambda: topics.outcomes("c2") == ["NO_DEVICE"], "nowhere to go")


def provided(folder: Path, answering: Answering) -> ProviderServer:
    folder.mkdir()
    return ProviderServer(folder, answering)
