"""The interface of stores: all that gateways must agree on goes through it.

Each method is one transaction: it is durable when it has returned, and two gateways that call it at the same time see one after
the other. Methods block; ``AsyncStore`` calls them from one thread of their own, many to a transaction.

What ends in ``_all`` means the operation without it for each, in the order given, in one transaction. A store that inherits from
``Store`` has that as a loop; one that can do better says so itself.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from gateway.delivery.outcomes import Report
from gateway.delivery.store.values import Acknowledgement, Addition, Appended, Claim, Deferred, StreamEntry, Wanted
from kairos.v1.push_pb2 import Target


class Store(Protocol):
    """Times are milliseconds since the epoch. What makes a transaction fail and passes is raised as TransactionLostError: it is run again."""

    def begin(self) -> None:
        """Start a transaction for what is called next."""

    def commit(self) -> None:
        """End it; everything is durable."""

    def rollback(self) -> None:
        """Undo it."""

    def close(self) -> None:
        """Let go of it."""

    # Gateways
    def alive(self, until_ms: int) -> None:
        """The gateway lives at least until then."""

    def leave(self, now_ms: int, linger_ms: int) -> None:
        """The gateway ends: its claims are free, its users linger."""

    # Commands: each is delivered by one
    def claim(self, command_id: str, user_id: str, origin: str, now_ms: int, keep_until_ms: int) -> Claim:
        """Take a command, if nobody else has it."""

    def claim_all(self, wanted: Sequence[Wanted]) -> list[Claim]:
        """``claim`` each."""
        return [self.claim(*each) for each in wanted]

    def settle(self, report: Report, route: str = "") -> None:
        """What became of a command: the first word stands. With ``route``, of one of several devices."""

    def settle_all(self, reports: Sequence[Report]) -> None:
        """``settle`` each."""
        for report in reports:
            self.settle(report)

    def settled(self, command_id: str) -> Report | None:
        """The word that stands; None: there is none yet, or its user was erased."""

    def settled_routes(self, command_id: str) -> frozenset[str]:
        """Of a command to several devices: those that are done."""

    def owner(self, command_id: str) -> str | None:
        """The user a command was for, if it is known."""

    def cancelled(self, command_id: str, user_id: str, now_ms: int, keep_until_ms: int) -> bool:
        """Take a command of this user back, whether it has been seen or not. Whether it is: it was not settled yet, still waited in the stream
        or for its moment, or was taken back before. What is another user's stays as it is.
        """

    # Commands whose moment has not come
    def defer(self, several: Sequence[Deferred]) -> None:
        """Keep each until it is done; a record that is kept already, once."""

    def take_due(self, now_ms: int, most: int) -> tuple[Sequence[Deferred], int | None]:
        """Those whose moment has come and that no gateway that lives has taken, the first of them first; and when another is due, if one is."""

    def done_deferred(self, several: Sequence[Deferred]) -> None:
        """What became of them is known, and told."""

    # The stream of a user
    def append(self, entry: StreamEntry, settled: Report | None, keep: int, *, sent: bool) -> Appended:
        """Add a push, once, and settle its command unless another way is open. Ids ascend over all users and gateways."""

    def append_all(self, additions: Sequence[Addition]) -> list[Appended]:
        """``append`` each."""
        return [self.append(each.entry, each.settled, each.keep, sent=each.sent) for each in additions]

    def withdraw(self, command_id: str) -> StreamEntry | None:
        """Take an entry out that no device has acknowledged, for another way; None if one has, or it is not there."""

    def after(self, user_id: str, device: str, last_id: int | None, now_ms: int) -> Sequence[StreamEntry]:
        """What a device that connects has not had: after ``last_id``, or what it acknowledged last; of an unknown device, what nobody has."""

    def unacknowledged(self, user_id: str, up_to_id: int) -> Sequence[StreamEntry]:
        """Entries that no device has acknowledged, up to this one."""

    def unacknowledged_all(self, asked: Sequence[tuple[str, int]]) -> list[Sequence[StreamEntry]]:
        """``unacknowledged`` for each user and id."""
        return [self.unacknowledged(user_id, up_to_id) for user_id, up_to_id in asked]

    def acknowledge(self, user_id: str, device: str, up_to_id: int, now_ms: int) -> None:
        """A device has everything up to this entry."""

    def acknowledge_all(self, told: Sequence[Acknowledgement]) -> None:
        """``acknowledge`` each."""
        for each in told:
            self.acknowledge(*each)

    def acknowledged(self, stream_ids: Sequence[int]) -> Sequence[int]:
        """Which of these some device has, or are gone."""

    def changed(self) -> bool:
        """Whether another gateway wrote since this was asked last."""

    def written_by_others(self, after_id: int) -> Sequence[StreamEntry]:
        """Entries of other gateways after this one, the oldest first."""

    def written_to(self, user_ids: Collection[str], after_id: int) -> Sequence[StreamEntry]:
        """Of these, those of some users."""

    def mark_sent(self, stream_ids: Sequence[int]) -> None:
        """Entries that other gateways wrote go to some connection."""

    def newest_id(self) -> int:
        """Of all entries."""

    # Presence
    def connect(self, user_id: str, device: str) -> None:
        """A device is connected to this gateway."""

    def disconnect(self, user_id: str, device: str, until_ms: int) -> None:
        """It left, and counts as connected until then."""

    # Devices
    def put_devices(
        self, user_id: str, devices: Iterable[Target], at_ms: int, *, all_of_them: bool, most: int, also: Sequence[str] = ()
    ) -> None:
        """Note addresses, unless newer word is there; ``all_of_them``: the user has no others. ``also``: other ids of the user.

        An address that is one device's alone is one user's alone: whoever registers it last has it, and nobody else.
        """

    def holds(self, user_id: str, device: Target) -> bool:
        """Whether this address is the user's, and not dead."""

    def retire_device(self, user_id: str, device: Target, at_ms: int) -> bool:
        """An address is dead. Whether it was known."""

    def forget_device(self, user_id: str, device: str) -> bool:
        """The user takes a device back, with all addresses. Whether it was known."""

    def forget_user(self, user_id: str) -> None:
        """Erase every trace, but for the ids of commands that must not be delivered again."""

    # Housekeeping
    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:
        """Entries whose time is over, with whether they were sent to some device."""

    def remove(self, stream_ids: Sequence[int]) -> None:
        """Take entries out."""

    def sweep(self, now_ms: int) -> None:
        """Forget commands and presence whose time is over."""
