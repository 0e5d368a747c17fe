"""All policies by name. ``=`` at the end of a name: at the pushes of Kairos, no more at any time."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from flink_job.config.load import parse_config
from kairos.evaluate.ablations import ABLATIONS, EVALUATED, laid_over
from kairos.evaluate.policies.daily import DailyPush, FixedHour, PopularAtActiveHour
from kairos.evaluate.policies.informed import Fact, Informed
from kairos.evaluate.policies.oracle import Oracle
from kairos.evaluate.policies.send_at_once import SendAtOnce
from kairos.evaluate.policies.shipped import Shipped
from kairos.evaluate.seen import Seen
from kairos.evaluate.stage import Policy, Stage
from kairos.evaluate.taste import Taste


class Kind(Enum):
    """What a policy is there for."""

    ORACLE = "oracle"
    KAIROS = "kairos"
    INFORMED = "informed"
    ABLATION = "ablation"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Entry:
    """One policy of the comparison."""

    title: str
    kind: Kind
    make: Callable[[Stage], Policy]
    matched: bool = False
    chooses_users: bool = False
    """Matched, it spreads the pushes over users itself."""


def _send_at_once(stage: Stage) -> Policy:
    config = parse_config({})
    return SendAtOnce(stage, config.policy, config.catalogue.feature_dim)


def _fixed_hour(stage: Stage) -> Policy:
    seen, taste = _eyes(stage)
    return DailyPush(stage, seen, taste, FixedHour(stage.world.people.n, taste))


def _popular(stage: Stage) -> Policy:
    seen, taste = _eyes(stage)
    return DailyPush(stage, seen, taste, PopularAtActiveHour(stage.world.people.n, seen, taste))


def _eyes(stage: Stage) -> tuple[Seen, Taste]:
    config = parse_config({})
    seen = Seen(stage.world, config.catalogue.feature_dim)
    return seen, Taste(stage.world.people.n, config.policy, seen)


def _kairos(stage: Stage) -> Policy:
    return Shipped(stage, EVALUATED)


def _without(name: str) -> Callable[[Stage], Policy]:
    return lambda stage: Shipped(stage, laid_over(EVALUATED, ABLATIONS[name].overlay))


def _told(facts: frozenset[Fact]) -> Callable[[Stage], Policy]:
    return lambda stage: Informed(stage, EVALUATED, facts)


_TRUTHS = {
    "true-hours": ("  with the true hours", frozenset({Fact.HOURS})),
    "true-users": ("  with the true users", frozenset({Fact.USERS})),
    "true-items": ("  with the true items", frozenset({Fact.ITEMS})),
    "true-all": ("  with all three", frozenset(Fact)),
}

_BASELINES: dict[str, tuple[str, Callable[[Stage], Policy]]] = {
    "send-at-once": ("send at once", _send_at_once),
    "fixed-hour": ("best item at 20 h", _fixed_hour),
    "popular": ("most popular at active hour", _popular),
}

ROSTER: dict[str, Entry] = {
    "oracle": Entry("oracle", Kind.ORACLE, Oracle),
    "oracle=": Entry("oracle =", Kind.ORACLE, Oracle, matched=True, chooses_users=True),
    "kairos": Entry("Kairos", Kind.KAIROS, _kairos),
    **{name: Entry(title, Kind.INFORMED, _told(facts)) for name, (title, facts) in _TRUTHS.items()},
    **{name: Entry(ablation.title, Kind.ABLATION, _without(name)) for name, ablation in ABLATIONS.items()},
    **{name: Entry(title, Kind.BASELINE, make) for name, (title, make) in _BASELINES.items()},
    **{f"{name}=": Entry(f"{title} =", Kind.BASELINE, make, matched=True) for name, (title, make) in _BASELINES.items()},
}
