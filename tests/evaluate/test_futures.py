"""What a user's future is worth to the oracle."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from kairos.evaluate.futures import DISCOUNT, HOURS, Futures, Offer
from kairos.world.behaviour import Behaviour

EVEN = np.ones((1, HOURS))
UNTIRED = replace(Behaviour(), fatigue_irrelevant=0.0, fatigue_bad_hour=0.0, fatigue_opened=0.0)


def logit(p: float) -> np.ndarray:
    return np.array([np.log(p / (1 - p))])


def offer(p: float = 0.1, c: float = 0.2) -> Offer:
    return Offer(opening=logit(p), converting=logit(c), match=np.array([0.5]))


def future(futures: Futures, fatigue: float = 0.0) -> float:
    """V at the beginning of the week, read off as what a certain opt-out would cost."""
    return float(futures._at(futures._values[0], np.array([[fatigue]]))[0, 0])


def test_without_fatigue_one_sends_every_hour() -> None:
    futures = Futures(UNTIRED, patience=np.array([1.6]))
    futures.sweep(offer(0.1, 0.2), EVEN, EVEN, price=0.0)
    assert future(futures) == pytest.approx(0.1 * 0.2 * sum(DISCOUNT**hour for hour in range(HOURS)))


def test_a_price_above_what_a_push_brings_ends_all_pushes() -> None:
    futures = Futures(UNTIRED, patience=np.array([1.6]))
    futures.sweep(offer(0.1, 0.2), EVEN, EVEN, price=0.021)
    assert future(futures) == 0


def test_who_is_more_tired_has_less_of_a_future() -> None:
    futures = Futures(Behaviour(), patience=np.array([1.6]))
    futures.sweep(offer(), EVEN, EVEN, price=0.0, times=4)
    worths = [future(futures, fatigue) for fatigue in np.arange(0, 11, 0.5)]
    assert all(later <= earlier for earlier, later in pairwise(worths))
    assert worths[-1] < worths[0]


def test_with_fatigue_one_waits_for_the_good_hours() -> None:
    hours = np.where(np.arange(HOURS) % 24 == 20, 13.0, 0.5)[None, :]
    futures = Futures(Behaviour(), patience=np.array([1.6]))
    futures.sweep(offer(), hours, EVEN, price=0.0, times=4)
    rested, nobody = np.zeros(1), np.zeros(1, int)

    def gain(hour: int) -> float:
        p = 1 / (1 + np.exp(-(logit(0.1) + 0.5 * np.log(hours[:, hour]))))
        tires = np.array([[1.2 * (1 - 0.7 * 0.5) + 0.6 * (1 - min(hours[0, hour], 1))]])
        return float(futures.gain_of_sending(hour, nobody, p[:, None], np.array([[0.2]]), tires, rested)[0, 0])

    assert gain(20) > 0 > gain(19)
