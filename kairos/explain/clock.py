"""Moments as the user's wall clock shows them, where their zone is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from flink_job.core.rules import QuietHours
from flink_job.engine import zone_of
from kairos.errors import USAGE_ERROR, KairosError
from kairos.v1.decision_pb2 import Decision


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


def clock_of(newest_first: Iterable[Decision], rules: QuietHours) -> Clock:
    """The user's own, as the newest record that tells has it: their zone, else their country's; UTC if none does."""
    for decision in newest_first:
        context = decision.inputs.signal.interaction.context
        for name in (context.time_zone, decision.inputs.user.time_zone):
            if name and (zone := zone_of(name)) is not None:
                return Clock(zone, name, "theirs")
        for country in (context.country, decision.inputs.user.country):
            name = rules.zone_of_country.get(country, "")
            if name and (zone := zone_of(name)) is not None:
                return Clock(zone, name, f"by their country, {country}")
    return Clock(UTC, "UTC", "")
