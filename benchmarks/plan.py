"""How much is measured: three sizes, from a look to what numbers may be quoted from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes and times of one benchmark run."""

    name: str
    users: int
    items: int
    events: int
    """Length of the backlog. It covers as much of a day as its users take for it, so fewer events per user mean more first visits, and pushes."""
    rounds: int
    """How often all builds are measured in turn; medians are reported."""
    limit_s: float
    """A build that has not got through the backlog by then is measured by how far it got."""
    textbook_limit_s: float
    latency_s: float
    rates: tuple[int, ...]
    """Events per second at which latency is measured."""
    engine_repeats: int
    flat_rounds: int
    """0: no flatness."""
    flat_users: tuple[int, ...]
    flat_items: tuple[int, ...]
    flat_events: int
    """Measured events of each run, the same for all numbers of users."""
    flat_fill: int
    """At least so many events come before them, and at least one of each user."""


QUICK = Plan(
    name="quick",
    users=12_500,
    items=10_000,
    events=150_000,
    rounds=1,
    limit_s=30,
    textbook_limit_s=30,
    latency_s=8,
    rates=(1_000, 4_000),
    engine_repeats=2,
    flat_rounds=0,
    flat_users=(),
    flat_items=(),
    flat_events=0,
    flat_fill=0,
)
DEFAULT = Plan(
    name="default",
    users=100_000,
    items=10_000,
    events=600_000,
    rounds=2,
    limit_s=75,
    textbook_limit_s=60,
    latency_s=15,
    rates=(1_000, 4_000),
    engine_repeats=2,
    flat_rounds=1,
    flat_users=(10_000, 100_000, 1_000_000),
    flat_items=(1_000, 10_000, 100_000),
    flat_events=120_000,
    flat_fill=400_000,
)
FULL = Plan(
    name="full",
    users=100_000,
    items=10_000,
    events=1_200_000,
    rounds=3,
    limit_s=120,
    textbook_limit_s=90,
    latency_s=30,
    rates=(1_000, 4_000),
    engine_repeats=2,
    flat_rounds=2,
    flat_users=(10_000, 100_000, 1_000_000),
    flat_items=(1_000, 10_000, 100_000),
    flat_events=240_000,
    flat_fill=1_000_000,
)
PLANS = {plan.name: plan for plan in (QUICK, DEFAULT, FULL)}
