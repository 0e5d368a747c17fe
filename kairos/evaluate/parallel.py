"""All runs of a plan, in several processes: Kairos first, so that those matched with it know what to match.

Processes are started afresh (spawn): a fork would take the parent's threads' locks with it. NumPy keeps to one thread in each.
"""

import multiprocessing as mp
import os
import queue
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from kairos.evaluate.ledger import Outcomes
from kairos.evaluate.plan import Plan
from kairos.evaluate.roster import ROSTER
from kairos.evaluate.run import run, sent_by_day

Run = tuple[str, int]
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_days: Any = None


def run_all(plan: Plan, jobs: int, tell: Callable[[int, Run | None], None]) -> dict[Run, Outcomes]:
    """``tell`` is called with how many days have been simulated since, and with a run when it is finished."""
    if jobs == 1:
        return _one_after_the_other(plan, tell)
    context = mp.get_context("spawn")
    days = context.Queue()
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # inherited by the children, which read it when they import NumPy
    try:
        with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(days,)) as pool:
            return _scheduled(plan, pool, days, tell)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _one_after_the_other(plan: Plan, tell: Callable[[int, Run | None], None]) -> dict[Run, Outcomes]:
    outcomes: dict[Run, Outcomes] = {}
    for name, seed in plan.runs:
        model = sent_by_day(outcomes["kairos", seed]) if ROSTER[name].matched else None
        outcomes[name, seed] = run(plan, name, seed, model, lambda: tell(1, None))
        tell(0, (name, seed))
    return outcomes


def _scheduled(plan: Plan, pool: ProcessPoolExecutor, days: Any, tell: Callable[[int, Run | None], None]) -> dict[Run, Outcomes]:
    outcomes: dict[Run, Outcomes] = {}
    running: dict[Future[Outcomes], Run] = {}

    def start(name: str, seed: int) -> None:
        model = sent_by_day(outcomes["kairos", seed]) if ROSTER[name].matched else None
        running[pool.submit(_run, plan, name, seed, model)] = name, seed

    for name, seed in plan.runs:
        if not ROSTER[name].matched:
            start(name, seed)
    try:
        while running:
            done, _ = wait(running, timeout=0.3, return_when=FIRST_COMPLETED)
            tell(_drained(days), None)
            for future in done:
                name, seed = running.pop(future)
                outcomes[name, seed] = future.result()
                tell(0, (name, seed))
                if name == "kairos":
                    for other in plan.policies:
                        if ROSTER[other].matched:
                            start(other, seed)
    except BaseException:  # Ctrl-C too: what has not begun shall not
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    return outcomes


def _begin(days: Any) -> None:
    global _days  # noqa: PLW0603  # how a pool hands a queue to its processes
    _days = days


def _run(plan: Plan, name: str, seed: int, model: Any) -> Outcomes:
    return run(plan, name, seed, model, lambda: _days.put(1))


def _drained(days: Any) -> int:
    n = 0
    while True:
        try:
            n += days.get_nowait()
        except queue.Empty:
            return n
