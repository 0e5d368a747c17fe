"""A client that sends events at a steady rate, each stamped with the moment it is created; a program of its own, and a cheap one.

    python -m benchmarks.load --bootstrap-servers HOST:PORT --topic bench.x.interactions --rate 4000 --seconds 20

Its users are new ones (numbers from --first-user), visiting as those of the log do. Prints one JSON document: how many it sent, and how far it fell
behind its own schedule. An event's id holds the nanosecond of its creation, which a push names as its cause.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass

from confluent_kafka import Producer

from benchmarks.events import make_events, signal, user_id
from benchmarks.items import make_catalogue

EVENTS_PER_USER = 2
"""Only a user's first visit leads to a push within the run: so that about as many events do as in the log, most visits are first ones."""
LINGER_MS = 1
_TICK_S = 0.001


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client did."""

    events: int
    seconds: float
    latest_ms: float
    """How late the latest event was against an even pace."""


def send(bootstrap_servers: str, topic: str, *, rate: int, seconds: float, items: int, first_user: int) -> Sent:
    """Send `rate` events a second for so many seconds, at an even pace."""
    count = round(rate * seconds)
    events = make_events(make_catalogue(items, 1, 0), max(1, count // EVENTS_PER_USER), count)
    rows = list(zip(*(column.tolist() for column in (events.user, events.visit, events.kind, events.item)), strict=True))
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": LINGER_MS, "acks": "all"})
    started = time.perf_counter()
    sent, latest_s = 0, 0.0
    while sent < count:
        due = min(count, int((time.perf_counter() - started) * rate))
        for row in range(sent, due):
            user, visit, kind, item = rows[row]
            now_ns = time.time_ns()
            value = signal(user + first_user, visit, kind, item, now_ns // 1_000_000, event_id(now_ns, row))
            producer.produce(topic, value, user_id(user + first_user))
        if due > sent:
            latest_s = max(latest_s, time.perf_counter() - started - sent / rate)
            sent = due
            producer.poll(0)
        time.sleep(_TICK_S)
    seconds = time.perf_counter() - started
    if producer.flush(30):
        raise TimeoutError(f"the broker at {bootstrap_servers} did not take all events")
    return Sent(sent, seconds, 1_000 * latest_s)


def event_id(created_ns: int, number: int) -> str:
    """As long as that of any other event."""
    return f"{created_ns:020d}-{number:011d}"


def created_ns(cause_id: str) -> int:
    """When an event of that id was created."""
    return int(cause_id.partition("-")[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rate", type=int, required=True, help="events per second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--first-user", type=int, default=10_000_000)
    options = parser.parse_args()
    sent = send(
        options.bootstrap_servers,
        options.topic,
        rate=options.rate,
        seconds=options.seconds,
        items=options.items,
        first_user=options.first_user,
    )
    json.dump(asdict(sent), sys.stdout)


if __name__ == "__main__":
    main()
