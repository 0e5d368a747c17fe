"""Who is connected, and how users can be reached."""

from collections.abc import Iterable, Sequence

from gateway.delivery.addresses import address_id, device_id
from gateway.delivery.store.postgresql.keys import key
from gateway.delivery.store.postgresql.session import Session
from kairos.v1.push_pb2 import Target

# A token that was retired comes back only by another word than the one that was retired.
_PUT = """
INSERT INTO devices AS d (user_id, device_id, channel, address, at_ms, address_id) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (user_id, device_id, channel) DO UPDATE SET address = excluded.address, at_ms = excluded.at_ms,
address_id = excluded.address_id, retired = d.retired AND d.address = excluded.address
WHERE excluded.at_ms >= d.at_ms
"""
# An empty address_id is none, and not in the index.
_OTHERS = "FROM devices WHERE address_id = %s AND address_id <> '' AND user_id <> ALL(%s::text[])"
_KEEP = """
DELETE FROM devices WHERE user_id = %(user_id)s AND (device_id, channel) IN (
  SELECT device_id, channel FROM devices WHERE user_id = %(user_id)s ORDER BY at_ms DESC, device_id, channel OFFSET %(most)s
)
"""


class Devices:
    """Of ``Store``, this part."""

    def __init__(self, session: Session, gateway: str) -> None:
        self._session = session
        self._gateway = gateway
        self._connected: set[tuple[str, str]] = set()

    def connect(self, user_id: str, device: str) -> None:  # noqa: D102 - as Store
        self._connected.add((key(user_id), key(device)))
        with self._session.turn():
            self._session.count(
                "INSERT INTO presence VALUES (%s, %s, %s, NULL) ON CONFLICT (user_id, device_id, gateway) DO UPDATE SET until_ms = NULL",
                (key(user_id), key(device), self._gateway),
            )

    def disconnect(self, user_id: str, device: str, until_ms: int) -> None:  # noqa: D102
        self._connected.discard((key(user_id), key(device)))
        with self._session.turn():
            self._session.count(
                "UPDATE presence SET until_ms = %s WHERE user_id = %s AND device_id = %s AND gateway = %s",
                (until_ms, key(user_id), key(device), self._gateway),
            )

    def connect_again(self) -> None:
        """All that are connected: others may have taken this gateway for dead."""
        if self._connected:
            users, devices = zip(*self._connected, strict=True)
            with self._session.turn():
                self._session.count(
                    "INSERT INTO presence SELECT *, %s, NULL FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
                    (self._gateway, list(users), list(devices)),
                )

    def put_devices(  # noqa: D102
        self, user_id: str, devices: Iterable[Target], at_ms: int, *, all_of_them: bool, most: int, also: Sequence[str] = ()
    ) -> None:
        user = key(user_id)
        with self._session.turn():
            if all_of_them:
                self._session.count("DELETE FROM devices WHERE user_id = %s AND at_ms < %s AND NOT retired", (user, at_ms))
            for device in devices:
                address = address_id(device)
                if not address or self._takes(address, [key(each) for each in (user_id, *also)], at_ms):
                    self._session.count(_PUT, (user, key(device_id(device)), device.channel, _address(device), at_ms, address))
            self._session.count(_KEEP, {"user_id": user, "most": most})

    def _takes(self, address: str, users: list[str], at_ms: int) -> bool:
        """Whether nobody else has registered this address later. Then nobody else has it any more."""
        if self._session.rows(f"SELECT 1 {_OTHERS} AND at_ms > %s LIMIT 1", (address, users, at_ms)):
            return False
        self._session.count(f"DELETE {_OTHERS}", (address, users))
        return True

    def holds(self, user_id: str, device: Target) -> bool:  # noqa: D102
        wanted = (key(user_id), key(device_id(device)), device.channel, address_id(device))
        found = "SELECT 1 FROM devices WHERE user_id = %s AND device_id = %s AND channel = %s AND address_id = %s AND NOT retired"
        return bool(self._session.rows(found, wanted))

    def retire_device(self, user_id: str, device: Target, at_ms: int) -> bool:  # noqa: D102
        with self._session.turn():
            retired = self._session.count(
                """UPDATE devices SET retired = true, at_ms = greatest(at_ms, %s)
                   WHERE user_id = %s AND device_id = %s AND channel = %s AND address = %s""",
                (at_ms, key(user_id), key(device_id(device)), device.channel, _address(device)),
            )
        return retired > 0

    def forget_device(self, user_id: str, device: str) -> bool:  # noqa: D102
        with self._session.turn():
            return self._session.count("DELETE FROM devices WHERE user_id = %s AND device_id = %s", (key(user_id), key(device))) > 0

    def forget_user(self, user_id: str) -> None:  # noqa: D102
        with self._session.turn():
            for table in ("devices", "presence", "cursors", "stream", "deferred"):
                self._session.count(f"DELETE FROM {table} WHERE user_id = %s", (key(user_id),))
            self._session.count("UPDATE commands SET user_id = '', report = NULL WHERE user_id = %s AND user_id <> ''", (key(user_id),))


def _address(device: Target) -> bytes:
    return device.SerializeToString(deterministic=True)
