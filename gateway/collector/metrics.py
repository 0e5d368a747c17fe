"""What the collector counts, for Prometheus; docs/collector.md has the list."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, PlatformCollector, ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class CollectorMetrics:
    """One for each application: a registry of its own, so that several in one process (tests) do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        prefix = "kairos_collector_"
        registry = self.registry
        self.requests = Counter(f"{prefix}requests_total", "Requests by route and status.", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            f"{prefix}request_seconds", "From the first byte to the answer.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.accepted = Counter(f"{prefix}records_accepted_total", "Records acknowledged by Kafka.", ["kind"], registry=registry)
        self.rejected = Counter(
            f"{prefix}records_rejected_total", "Records refused, by what was wrong.", ["kind", "code"], registry=registry
        )
        self.unacknowledged = Counter(
            f"{prefix}records_unacknowledged_total", "Records whose sender was told to send again.", ["kind"], registry=registry
        )
        self.kafka_seconds = Histogram(
            f"{prefix}kafka_seconds", "From the buffer to Kafka's acknowledgement, by request.", buckets=_SECONDS, registry=registry
        )
        self.buffer_records = Gauge(f"{prefix}buffer_records", "Records that Kafka has not acknowledged yet.", registry=registry)
        self.buffer_bytes = Gauge(f"{prefix}buffer_bytes", "Their bytes.", registry=registry)
        self.in_flight = Gauge(f"{prefix}requests_in_flight", "Requests being answered.", registry=registry)
        self.ready = Gauge(f"{prefix}ready", "1: Kafka answers and has the topics.", registry=registry)
