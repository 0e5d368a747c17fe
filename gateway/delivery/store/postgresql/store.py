"""A store in a PostgreSQL server, shared by gateways on any number of machines.

One gateway writes at a time, over the whole store: see session.py for why, and docs/gateway.md for what that costs. A server that goes
away is waited for, and nothing is lost by that.
"""

import time
from collections.abc import Collection, Iterable, Sequence

from gateway.delivery.outcomes import Report
from gateway.delivery.settings import PostgresqlSettings
from gateway.delivery.store.postgresql.commands import Commands
from gateway.delivery.store.postgresql.deferred import DeferredCommands
from gateway.delivery.store.postgresql.devices import Devices
from gateway.delivery.store.postgresql.session import Session
from gateway.delivery.store.postgresql.stream import Stream
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import CURSOR_MS, Acknowledgement, Addition, Appended, Claim, Deferred, StreamEntry, Wanted
from kairos.v1.push_pb2 import Target

_DAY_MS = 86_400_000


class PostgresqlStore(Store):
    """See ``Store``. ``gateway`` is unique for each process. Raises KairosError if the server cannot be used from the start."""

    def __init__(self, settings: PostgresqlSettings, gateway: str, *, lease_ms: int, busy_ms: int, linger_ms: int) -> None:
        self._lease_ms = lease_ms
        self._others_come_back_s = settings.max_wait_ms / 1000
        self._lease: tuple[int, float] | None = None
        """Its end, and when it was renewed on this process' own clock, in seconds."""
        self._cursors_swept_ms = 0
        self._session = Session(settings, gateway, busy_ms, self._came_back)
        self._commands = Commands(self._session, gateway, linger_ms)
        self._deferred = DeferredCommands(self._session, gateway)
        self._stream = Stream(self._session, gateway)
        self._devices = Devices(self._session, gateway)

    def begin(self) -> None:  # noqa: D102 - as Store
        self._session.begin()
        self._stream.begin()

    def commit(self) -> None:  # noqa: D102
        self._session.commit()

    def rollback(self) -> None:  # noqa: D102
        self._session.rollback()

    def close(self) -> None:  # noqa: D102
        self._session.close()

    def alive(self, until_ms: int) -> None:  # noqa: D102
        self._commands.alive(until_ms)
        self._lease = until_ms, time.monotonic()

    def leave(self, now_ms: int, linger_ms: int) -> None:  # noqa: D102
        self._lease = None
        self._commands.leave(now_ms, linger_ms)

    def claim(self, command_id: str, user_id: str, origin: str, now_ms: int, keep_until_ms: int) -> Claim:  # noqa: D102
        return self.claim_all([Wanted(command_id, user_id, origin, now_ms, keep_until_ms)])[0]

    def claim_all(self, wanted: Sequence[Wanted]) -> list[Claim]:  # noqa: D102
        return self._commands.claim(wanted)

    def settle(self, report: Report, route: str = "") -> None:  # noqa: D102
        if route:
            self._commands.settle_routes([(report.command_id, route)])
        else:
            self.settle_all([report])

    def settle_all(self, reports: Sequence[Report]) -> None:  # noqa: D102
        self._commands.settle(reports)

    def settled(self, command_id: str) -> Report | None:  # noqa: D102
        return self._commands.settled(command_id)

    def settled_routes(self, command_id: str) -> frozenset[str]:  # noqa: D102
        return self._commands.settled_routes(command_id)

    def owner(self, command_id: str) -> str | None:  # noqa: D102
        return self._commands.owner(command_id)

    def cancelled(self, command_id: str, user_id: str, now_ms: int, keep_until_ms: int) -> bool:  # noqa: D102
        return self._commands.cancelled(command_id, user_id, now_ms, keep_until_ms, self._stream.withdraw, self._deferred)

    def defer(self, several: Sequence[Deferred]) -> None:  # noqa: D102
        if several:
            self._deferred.defer(several)

    def take_due(self, now_ms: int, most: int) -> tuple[Sequence[Deferred], int | None]:  # noqa: D102
        return self._deferred.take_due(now_ms, most)

    def done_deferred(self, several: Sequence[Deferred]) -> None:  # noqa: D102
        self._deferred.done_deferred(several)

    def append(self, entry: StreamEntry, settled: Report | None, keep: int, *, sent: bool) -> Appended:  # noqa: D102
        return self.append_all([Addition(entry, settled, keep, sent)])[0]

    def append_all(self, additions: Sequence[Addition]) -> list[Appended]:  # noqa: D102
        if not additions:
            return []
        with self._session.turn():
            answers = self._stream.append(additions)
            self._commands.settle([each.settled for each in additions if each.settled is not None])
        return answers

    def withdraw(self, command_id: str) -> StreamEntry | None:  # noqa: D102
        return self._stream.withdraw(command_id)

    def after(self, user_id: str, device: str, last_id: int | None, now_ms: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._stream.after(user_id, device, last_id, now_ms)

    def unacknowledged(self, user_id: str, up_to_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self.unacknowledged_all([(user_id, up_to_id)])[0]

    def unacknowledged_all(self, asked: Sequence[tuple[str, int]]) -> list[Sequence[StreamEntry]]:  # noqa: D102
        return self._stream.unacknowledged(asked) if asked else []

    def acknowledge(self, user_id: str, device: str, up_to_id: int, now_ms: int) -> None:  # noqa: D102
        self.acknowledge_all([Acknowledgement(user_id, device, up_to_id, now_ms)])

    def acknowledge_all(self, told: Sequence[Acknowledgement]) -> None:  # noqa: D102
        if told:
            self._stream.acknowledge(told)

    def acknowledged(self, stream_ids: Sequence[int]) -> Sequence[int]:  # noqa: D102
        return self._stream.acknowledged(stream_ids)

    def changed(self) -> bool:  # noqa: D102
        return self._stream.changed()

    def written_by_others(self, after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._stream.written_by_others(after_id)

    def written_to(self, user_ids: Collection[str], after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._stream.written_to(user_ids, after_id)

    def mark_sent(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        self._stream.mark_sent(stream_ids)

    def newest_id(self) -> int:  # noqa: D102
        return self._stream.newest_id()

    def connect(self, user_id: str, device: str) -> None:  # noqa: D102
        self._devices.connect(user_id, device)

    def disconnect(self, user_id: str, device: str, until_ms: int) -> None:  # noqa: D102
        self._devices.disconnect(user_id, device, until_ms)

    def put_devices(  # noqa: D102
        self, user_id: str, devices: Iterable[Target], at_ms: int, *, all_of_them: bool, most: int, also: Sequence[str] = ()
    ) -> None:
        self._devices.put_devices(user_id, devices, at_ms, all_of_them=all_of_them, most=most, also=also)

    def holds(self, user_id: str, device: Target) -> bool:  # noqa: D102
        return self._devices.holds(user_id, device)

    def retire_device(self, user_id: str, device: Target, at_ms: int) -> bool:  # noqa: D102
        return self._devices.retire_device(user_id, device, at_ms)

    def forget_device(self, user_id: str, device: str) -> bool:  # noqa: D102
        return self._devices.forget_device(user_id, device)

    def forget_user(self, user_id: str) -> None:  # noqa: D102
        self._devices.forget_user(user_id)

    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:  # noqa: D102
        return self._stream.expired(now_ms, most)

    def remove(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        self._stream.remove(stream_ids)

    def sweep(self, now_ms: int) -> None:  # noqa: D102
        self._commands.sweep(now_ms)
        if now_ms >= self._cursors_swept_ms + _DAY_MS:  # all of them are looked at, for what lives a quarter of a year
            self._stream.sweep(now_ms - CURSOR_MS)
            self._cursors_swept_ms = now_ms

    def _came_back(self, away_s: float) -> None:
        """The others hear first of all that this gateway lives, and who is connected to it."""
        if self._lease is None:
            return
        until_ms, renewed_at_s = self._lease
        self._commands.alive(until_ms + int((time.monotonic() - renewed_at_s) * 1000))
        self._devices.connect_again()
        if away_s * 1000 > self._lease_ms:
            # The others' leases ran out as well. They come back within the longest wait, and must not be taken for dead before.
            time.sleep(self._others_come_back_s)
