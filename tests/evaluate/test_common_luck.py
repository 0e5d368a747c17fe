"""Every policy's pushes meet the same users with the same luck."""

from kairos.evaluate.names import CommandNames
from kairos.evaluate.plan import START_MS
from kairos.world.draws import Draws

DAY_MS = 86_400_000


def test_the_first_push_of_a_day_is_drawn_the_same_whatever_its_policy_calls_it() -> None:
    eager, careful = CommandNames(START_MS), CommandNames(START_MS)
    eager.next(3, START_MS, own="a")  # the eager one sent on Monday too
    first = eager.next(3, START_MS + DAY_MS + 3_600_000, own="b")
    same = careful.next(3, START_MS + DAY_MS + 20 * 3_600_000, own="c")
    assert Draws(1, first).uniform(3) == Draws(1, same).uniform(3)


def test_the_second_push_of_a_day_has_its_own_luck() -> None:
    names = CommandNames(START_MS)
    assert names.next(3, START_MS) != names.next(3, START_MS + 1)


def test_the_policy_hears_of_its_command_by_its_own_name() -> None:
    names = CommandNames(START_MS)
    name = names.next(3, START_MS, own="command-of-the-policy")
    assert names.own(name) == "command-of-the-policy"
