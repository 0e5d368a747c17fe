"""Token buckets: a burst, then as fast as it is refilled; and no more of them than are remembered."""

from gateway.common.allowances import Allowance, Allowances


def test_a_burst_then_as_fast_as_it_is_refilled() -> None:
    allowance = Allowance(per_s=2, burst=4, now_s=0)
    assert [allowance.spend(0, 3), allowance.spend(0, 2), allowance.wait_s(2)] == [True, False, (2 - 1) / 2]
    assert [allowance.spend(0.5, 2), allowance.spend(1e6, 4), allowance.spend(1e6, 1)] == [True, True, False]
    assert not allowance.spend(2e6, 5)  # never fits


def test_who_spoke_least_lately_is_forgotten_first() -> None:
    allowances = Allowances(per_s=1, burst=1, most=2)
    for who in ("ada", "lin", "ada", "bob"):  # lin goes
        allowances.of(who, 0).spend(0)
    assert [allowances.of(who, 0).spend(0) for who in ("ada", "bob", "lin")] == [False, False, True]
