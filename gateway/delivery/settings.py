"""The settings of delivery, typed. Defaults are in ``default.yaml``."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from flink_job.config.model import NotNegative, Positive, Section
from gateway.common.settings import EdgeSettings, SecretSource

ChannelName = Literal["in_app", "web_push", "fcm", "apns", "webhook"]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]


class SourceSettings(Section):
    """How the topic of pushes is read."""

    group_id: Annotated[str, Field(min_length=1)]
    start_from: Literal["latest", "earliest"]
    batch: Positive
    poll_ms: Positive
    gather_ms: NotNegative
    commit_ms: Positive
    session_ms: Positive
    revoke_wait_ms: NotNegative
    user_prefix: str


class RetrySettings(Section):
    """How often, and how long after one another, a provider is asked."""

    attempts: Positive
    first_wait_ms: Positive
    max_wait_ms: Positive
    timeout_ms: Positive
    auth_pause_ms: NotNegative
    longest_pause_ms: Positive
    most_waiting: Positive


class StoreLogSettings(Section):
    """How SQLite's write-ahead log is moved into the file."""

    move_ms: Positive
    most_bytes: Positive


class PostgresqlSettings(Section):
    """A store in a PostgreSQL server."""

    address: str
    password: SecretSource
    schema_name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
    connect_timeout_ms: Positive
    silent_ms: Positive
    first_wait_ms: Positive
    max_wait_ms: Positive

    @model_validator(mode="after")
    def _address_holds_no_password(self) -> "PostgresqlSettings":
        # Of the section, not of the field: what is said about a field repeats its value.
        if not self.address:
            return self
        from psycopg import ProgrammingError, conninfo  # only who asks for this store needs its client

        try:
            parts = conninfo.conninfo_to_dict(self.address)
        except ProgrammingError:
            raise ValueError("address: is none such as postgresql://kairos@db.example.com:5432/kairos") from None
        if parts.get("password"):
            raise ValueError("address: holds a password; name under `password` where that is kept")
        return self


class StoreSettings(Section):
    """Where the gateway remembers."""

    kind: Literal["sqlite", "postgresql"]
    path: Annotated[str, Field(min_length=1)]
    synchronous: Literal["normal", "full"]
    lease_ms: Positive
    sweep_ms: Positive
    busy_ms: Positive
    log: StoreLogSettings
    postgresql: PostgresqlSettings

    @model_validator(mode="after")
    def _postgresql_has_an_address(self) -> "StoreSettings":
        if self.kind == "postgresql" and not self.postgresql.address:
            raise ValueError("postgresql.address: is missing")
        return self


class StreamSettings(Section):
    """WebSocket and Server-Sent Events."""

    keep_per_user: Positive
    keep_ms: Positive
    linger_ms: NotNegative
    ack_ms: Positive
    heartbeat_ms: Positive
    heartbeat_timeout_ms: Positive
    max_connections: Positive
    max_per_user: Positive
    max_pending: Positive
    send_timeout_ms: Positive
    messages_per_s: Positive
    messages_burst: Positive
    max_unwritten: Positive
    again_ms: Positive
    watch_ms: Positive


class RegistrySettings(Section):
    """Where devices are learned of."""

    from_topic: bool
    max_per_user: Positive


class Endpoint(Section):
    """A customer's server."""

    name: Annotated[str, Field(min_length=1)]
    url: Url
    secret: SecretSource


class WebhookSettings(Section):
    """Customers' servers."""

    endpoints: list[Endpoint]
    default_endpoint: str

    @model_validator(mode="after")
    def _default_is_there(self) -> "WebhookSettings":
        names = [endpoint.name for endpoint in self.endpoints]
        if len(set(names)) < len(names):
            raise ValueError("endpoints: two have the same name")
        if self.default_endpoint and self.default_endpoint not in names:
            raise ValueError(f"default_endpoint: there is no endpoint {self.default_endpoint!r}")
        return self


class WebPushSettings(Section):
    """Browsers' push services."""

    private_key: SecretSource
    subject: str
    token_life_ms: Annotated[int, Field(gt=0, le=86_400_000)]
    allowed_hosts: list[str]
    payload_bytes: Positive


class FcmSettings(Section):
    """Firebase Cloud Messaging."""

    credentials: SecretSource
    project_id: str
    url: Url
    payload_bytes: Positive


class ApnsSettings(Section):
    """Apple Push Notification service."""

    key: SecretSource
    key_id: str
    team_id: str
    topic: str
    url: Url
    token_life_ms: Annotated[int, Field(ge=1_200_000, le=3_600_000)]
    payload_bytes: Positive


class DeliverySection(Section):
    """What only delivery reads."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)]
    allowed_origins: list[str]
    body_bytes: Positive
    body_timeout_ms: Positive
    shutdown_timeout_ms: NotNegative
    max_in_flight: Positive
    devices: Literal["first", "all"]
    order: list[ChannelName]
    default_ttl_ms: Positive
    remember_ms: Positive
    held_poll_ms: Positive
    deferred_poll_ms: Positive
    source: SourceSettings
    retry: RetrySettings
    store: StoreSettings
    stream: StreamSettings
    registry: RegistrySettings
    webhook: WebhookSettings
    web_push: WebPushSettings
    fcm: FcmSettings
    apns: ApnsSettings


class DeliverySettings(EdgeSettings):
    """All that delivery reads."""

    delivery: DeliverySection
