"""Which rules a decision was taken by: the name in its record, looked up among the configured policy and what was released."""

from flink_job.codec.knowledge import PolicyRelease
from flink_job.engine import Engine
from flink_job.settings import engine_settings
from kairos.decisions.policies import KnownPolicies
from tests.codec.messages import policy_record
from tests.core.person import MONDAY_0930 as AT
from tests.decisions.logs import replayable_config

CONFIG = replayable_config(
    experiments={
        "timing": {"salt": "timing-1", "arms": {"late": 0.5, "early": 0.5}},
        "taste": {"salt": "taste-1", "arms": {"plain": 0.5, "bold": 0.5}},
    }
)
RULES = CONFIG.policy


def release(version: str, document: str, made_at_ms: int = 1, arm: str = "", policy_id: str = "default") -> PolicyRelease:
    return PolicyRelease(policy_id, version, document, made_at_ms, arm=arm)


def test_the_configured_policy_is_known_by_its_own_version() -> None:
    known = KnownPolicies(RULES, ())
    assert known.rules_of("default", RULES.version) == RULES
    assert known.rules_of("default", "2") is None
    assert known.rules_of("other", RULES.version) is None


def test_a_release_is_laid_over_the_configured_one_and_named_by_its_version() -> None:
    known = KnownPolicies(RULES, [release("calm-1", "send: {min_score: 0.9}"), release("calm-2", "send: {min_score: 0.8}", 2)])
    for version, least in (("calm-1", 0.9), ("calm-2", 0.8)):
        rules = known.rules_of("default", version)
        assert rules is not None
        assert (rules.version, rules.send.min_score, rules.gates) == (version, least, RULES.gates)


def test_of_two_releases_with_one_version_the_later_counts() -> None:
    known = KnownPolicies(RULES, [release("2", "send: {min_score: 0.8}", 9), release("2", "send: {min_score: 0.9}", 5)])
    rules = known.rules_of("default", "2")
    assert rules is not None
    assert rules.send.min_score == 0.8


def test_what_the_job_refuses_is_not_known() -> None:
    known = KnownPolicies(RULES, [release("2", "send: {min_scare: 0.8}"), release("3", "{}", policy_id="other")])
    assert known.rules_of("default", "2") is None
    assert known.rules_of("default", "3") is None


def test_arms_are_found_by_the_name_that_the_job_gives_to_what_their_users_follow() -> None:
    """A version may have a plus of its own."""
    releases = [
        release("2+x", "send: {min_score: 0.2}", 1),
        release("e+1", "send: {min_score: 0.9}", 2, "timing/early"),
        release("b", "exploration: {temperature: 0.5}", 3, "taste/bold"),
    ]
    known = KnownPolicies(RULES, releases)
    engine = Engine(engine_settings(CONFIG))
    for each in releases:
        payload = policy_record(each.document, version=each.version, made_at_ms=each.made_at_ms, arm=each.arm)
        assert engine.on_shared(each.key, payload, f"kairos.knowledge/0/0/{AT}", AT)[1] is None
    names = set()
    for number in range(60):
        policy = engine._policies.policy_for(f"user {number}", AT)
        names.add(policy.rules.version)
        assert known.rules_of(*policy.name) == policy.rules
    assert names == {"2+x", "2+x+timing/early@e+1", "2+x+taste/bold@b", "2+x+timing/early@e+1+taste/bold@b"}
    assert known.rules_of("default", "2+x+timing/early@lost") is None


def test_arms_over_the_configured_policy_are_known_too() -> None:
    known = KnownPolicies(RULES, [release("1", "send: {min_score: 0.9}", arm="timing/early")])
    rules = known.rules_of("default", f"{RULES.version}+timing/early@1")
    assert rules is not None
    assert rules.send.min_score == 0.9
