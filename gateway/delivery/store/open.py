"""Which store the settings ask for."""

from pathlib import Path

from gateway.delivery.settings import StoreSettings
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.store import Store


def open_store(settings: StoreSettings, gateway: str, linger_ms: int) -> Store:
    """For the thread that calls this. ``gateway`` is unique for each process. Raises KairosError, and what the store's engine raises."""
    if settings.kind == "postgresql":
        from gateway.delivery.store.postgresql.store import PostgresqlStore

        return PostgresqlStore(settings.postgresql, gateway, lease_ms=settings.lease_ms, busy_ms=settings.busy_ms, linger_ms=linger_ms)
    return SqliteStore(
        Path(settings.path), gateway, synchronous=settings.synchronous, busy_ms=settings.busy_ms, linger_ms=linger_ms, log=settings.log
    )
