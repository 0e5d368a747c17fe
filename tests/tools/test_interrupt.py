"""Ctrl-C as a question."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from kairos.interrupt import Interrupt


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_noted_and_the_second_is_the_usual_one() -> None:
    with Interrupt() as interrupt:
        assert not interrupt.requested
        press_ctrl_c()
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()


def test_afterwards_all_is_as_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_changed() -> None:
    before = signal.getsignal(signal.SIGINT)

    def work() -> bool:
        with Interrupt() as interrupt:
            return interrupt.requested or signal.getsignal(signal.SIGINT) is not before

    with ThreadPoolExecutor(1) as pool:
        assert not pool.submit(work).result(timeout=10)


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            press_ctrl_c()
            assert not interrupt.requested
    finally:
        signal.signal(signal.SIGINT, before)
