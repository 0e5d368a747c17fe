"""Metrics of delivery, for Prometheus. All names there are stand in docs/gateway.md."""

from prometheus_client import Counter, Gauge, Histogram

_LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

COMMANDS = Counter("kairos_gateway_commands", "Commands read, or deferred and due, by how they stood; malformed records.", ["standing"])
OUTCOMES = Counter("kairos_gateway_outcomes", "Outcomes told to the job.", ["outcome", "channel"])
ATTEMPTS = Counter("kairos_gateway_attempts", "Calls of providers.", ["channel", "verdict", "code"])
UNDER_WAY = Gauge("kairos_gateway_commands_under_way", "Commands read, or deferred and due, and not done.")
DONE_SECONDS = Histogram(
    "kairos_gateway_done_seconds", "From reading a command, or its moment if it was deferred, to its outcome.", buckets=_LATENCY_S
)
SENT_SECONDS = Histogram(
    "kairos_gateway_sent_seconds",
    "From the time stamp of a push's record, or its moment if it was deferred, to the connection of a device.",
    buckets=_LATENCY_S,
)
CONNECTIONS = Gauge("kairos_gateway_connections", "Devices connected.", ["transport"])
DISCONNECTED = Counter("kairos_gateway_disconnected", "Connections ended by the gateway, by reason.", ["reason"])
MESSAGES = Counter("kairos_gateway_messages", "Messages of clients.", ["kind"])
DEVICES = Counter("kairos_gateway_devices", "Changes of devices.", ["change"])
STORE_SECONDS = Histogram("kairos_gateway_store_seconds", "One transaction of the store.", buckets=_LATENCY_S)
