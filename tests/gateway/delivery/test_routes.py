"""Which address is tried, in which order."""

from typing import Any

from gateway.delivery.routes import CHANNELS, IN_APP, Plan, Route
from kairos.v1 import feedback_pb2
from kairos.v1.feedback_pb2 import CHANNEL_APNS, CHANNEL_FCM, CHANNEL_HMS, CHANNEL_IN_APP, CHANNEL_WEB_PUSH, CHANNEL_WEBHOOK
from kairos.v1.push_pb2 import PushCommand, Target

ORDER = list(CHANNELS.values())
ALL = frozenset(ORDER)
PHONE = Target(channel=CHANNEL_FCM, token="t1", device_id="phone")
PHONE_BROWSER = Target(channel=CHANNEL_WEB_PUSH, endpoint="https://push.example/1", device_id="phone")
IPAD = Target(channel=CHANNEL_APNS, token="t2", device_id="ipad")
HUAWEI = Target(channel=CHANNEL_HMS, token="t3", device_id="huawei")


def routes(*known: Target, connected: bool = False, devices: Any = "first", endpoint: str = "", **fields: Any) -> tuple[Route, ...]:
    plan = Plan(devices, ORDER, endpoint)
    return plan.routes(PushCommand(**fields), known, connected=connected, open_channels=ALL)


def test_channels_are_tried_in_the_configured_order_connected_first() -> None:
    assert routes(IPAD, PHONE, PHONE_BROWSER, connected=True) == (Route("", (IN_APP, PHONE_BROWSER, PHONE, IPAD)),)


def test_of_one_channel_the_device_seen_last_comes_first() -> None:
    newer, older = Target(channel=CHANNEL_FCM, token="newer"), Target(channel=CHANNEL_FCM, token="older")
    assert routes(newer, older) == (Route("", (newer, older)),)


def test_the_commands_own_channels_win() -> None:
    assert routes(IPAD, PHONE, connected=True, channels=[CHANNEL_APNS, CHANNEL_IN_APP]) == (Route("", (IPAD, IN_APP)),)


def test_the_commands_own_targets_win_over_what_is_known() -> None:
    assert routes(PHONE, targets=[IPAD]) == (Route("", (IPAD,)),)


def test_a_channel_that_is_off_here_is_nowhere_to_go() -> None:
    assert routes(HUAWEI) == ()
    assert routes() == ()


def test_users_without_devices_go_to_the_default_endpoint() -> None:
    assert routes(endpoint="shop") == (Route("", (Target(channel=CHANNEL_WEBHOOK, app_id="shop"),)),)
    assert routes(PHONE, endpoint="shop") == (Route("", (PHONE,)),)


def test_in_app_needs_somebody_connected() -> None:
    assert routes(targets=[Target(channel=CHANNEL_IN_APP)]) == ()
    assert len(routes(connected=True)) == 1


def test_every_device_by_its_own_best_channel() -> None:
    assert routes(PHONE, PHONE_BROWSER, IPAD, devices="all") == (Route("phone", (PHONE_BROWSER, PHONE)), Route("ipad", (IPAD,)))


def test_every_channel_of_the_settings_has_a_number() -> None:
    assert set(CHANNELS.values()) == set(feedback_pb2.Channel.values()) - {feedback_pb2.CHANNEL_UNSPECIFIED, CHANNEL_HMS}
