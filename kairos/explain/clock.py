"""Moments as the user's wall clock shows them, where their zone is known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from google.protobuf.message import DecodeError

from flink_job.core.rules import QuietHours
from flink_job.engine import zone_of
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1.decision_pb2 import Decision
from kairos.v1.signal_pb2 import Signal, Trigger

_THEIR_DOING = (Trigger.TRIGGER_BEHAVIOUR, Trigger.TRIGGER_ABANDONED_CART, Trigger.TRIGGER_ABANDONED_FAVOURITE)
"""Occasions that begin with something the user did."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``told_by``: how the zone is known, in words; empty: it is not, and times are UTC."""

    zone: tzinfo
    name: str
    told_by: str

    def time(self, at_ms: int) -> str:
        """``08:11``."""
        return self._at(at_ms).strftime("%H:%M")

    def moment(self, at_ms: int) -> str:
        """``Mon 2 Mar 08:11``."""
        return self._at(at_ms).strftime("%a %-d %b %H:%M")

    def day_words(self, day: date) -> str:
        """``Mon 2 Mar``."""
        return day.strftime("%a %-d %b")

    def day(self, at_ms: int) -> date:
        """The date there."""
        return self._at(at_ms).date()

    def begins_ms(self, day: date) -> int:
        """When that day begins there."""
        return round(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() * 1000)

    def days_before(self, at_ms: int, days: int) -> list[date]:
        """The day of a moment and those before it, the newest first; ``days`` in all."""
        last = self.day(at_ms)
        return [last - timedelta(days=back) for back in range(days)]

    def _at(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)


def given_clock(name: str) -> Clock:
    """The zone that was asked for. Raises ``KairosError`` if there is none of that name."""
    zone = zone_of(name)
    if zone is None:
        raise KairosError(f"There is no time zone {name!r}.", "Write it like Europe/Berlin.", exit_code=USAGE_ERROR)
    return Clock(zone, name, "--zone")


def clock_of(decisions: Sequence[Decision], rules: QuietHours, said_around: Callable[[int], Iterable[bytes]] = lambda _: ()) -> Clock:
    """The user's own: their zone, else their country's; UTC if nothing tells. ``decisions``: theirs, the oldest first.

    By the newest record that tells: one with inputs. Where there is none, by the signals that ``said_around`` has of the moment when the newest
    decision that came of something they did was caused: that is little to read.
    """
    for decision in reversed(decisions):
        context, user = decision.inputs.signal.interaction.context, decision.inputs.user
        clock = _clock((context.time_zone, user.time_zone), (context.country, user.country), rules)
        if clock is not None:
            return clock
    did = next((each for each in reversed(decisions) if each.trigger in _THEIR_DOING), None)
    if did is None:
        return Clock(UTC, "UTC", "")
    found = None
    for payload in said_around(did.caused_at_ms):
        signal = _parsed(payload)
        if signal is not None and did.user_id in (signal.interaction.user_id, signal.user_update.user_id):
            context, told = signal.interaction.context, signal.user_update
            found = _clock((context.time_zone, told.time_zone), (context.country, told.country), rules) or found
    return found or Clock(UTC, "UTC", "")


def _clock(zones: Iterable[str], countries: Iterable[str], rules: QuietHours) -> Clock | None:
    for name in zones:
        if name and (zone := zone_of(name)) is not None:
            return Clock(zone, name, "theirs")
    for country in countries:
        name = rules.zone_of_country.get(country, "")
        if name and (zone := zone_of(name)) is not None:
            return Clock(zone, name, f"by their country, {country}")
    return None


def _parsed(payload: bytes) -> Signal | None:
    try:
        return Signal.FromString(payload)
    except DecodeError:
        return None
