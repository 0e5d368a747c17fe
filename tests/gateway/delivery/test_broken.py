"""Whatever breaks inside a gateway, it ends and says why, so that somebody starts it again; it never lives on, ready and silent."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.errors import StoreEndedError
from gateway.delivery.store.sqlite import SqliteStore
from kairos.v1.signal_pb2 import Signal, UserUpdate
from tests.gateway.delivery.clients import Device
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import DEADLINE_S, Topics, command, eventually

BROKEN_PROGRAM = """
import importlib, pathlib, runpy, sys
module, names, breaks = sys.argv[1:4]
del sys.argv[1:4]
owner = importlib.import_module(module)
*outer, name = names.split(".")
for each in outer:
    owner = getattr(owner, each)
whole = getattr(owner, name)
def broken(*given, **named):
    if pathlib.Path(breaks).exists():
        raise ZeroDivisionError("broken by the test")
    return whole(*given, **named)
setattr(owner, name, broken)
runpy.run_module("kairos.cli.app", run_name="__main__", alter_sys=True)
"""
"""A gateway in which one function breaks once a file is there."""

PLACES = {
    "reading pushes": ("gateway.delivery.source", "PushSource._pause_or_resume"),
    "handing them out": ("gateway.delivery.dispatcher", "Dispatcher.receive"),
    "reading devices": ("gateway.delivery.devices.feed", "_user_update"),
    "the store": ("gateway.delivery.store.async_store", "_one_transaction"),
    "the store's log": ("gateway.delivery.store.sqlite_log", "LogMover._move"),
    "telling the job": ("gateway.common.producer", "AcknowledgedProducer.send"),
}


@pytest.mark.kafka
@pytest.mark.parametrize("place", PLACES)
def test_whatever_breaks_ends_the_gateway_and_the_next_one_loses_nothing(place: str, start: Start, topics: Topics, tmp_path: Path) -> None:
    breaks = tmp_path / "breaks"
    gateway = start(program=("-c", BROKEN_PROGRAM, *PLACES[place], str(breaks)), shutdown_timeout_ms=1000)
    with closing(Device(gateway)) as phone:
        phone.hello()
        topics.push(command("c1"))
        assert phone.pushes(1) == ["c1"]
        eventually(lambda: httpx.get(f"http://{gateway.address}/readyz").status_code == 200, "it is ready")
        breaks.touch()
        topics.push(command("c2"))
        topics.write("interactions", b"lin", Signal(user_update=UserUpdate(user_id="lin", erase=True)).SerializeToString())
        assert gateway.process.wait(DEADLINE_S) == 1
    said = gateway.log.read_text()
    assert "The gateway cannot go on: " in said
    assert "broken by the test" in said
    with closing(Device(start())) as phone:
        assert phone.hello().pushes(2) == ["c1", "c2"]


def test_who_waits_for_a_store_whose_thread_ends_hears_of_it_and_so_does_who_comes_later(tmp_path: Path) -> None:
    class Broken(SqliteStore):
        def rollback(self) -> None:
            raise ZeroDivisionError

        def commit(self) -> None:
            raise ZeroDivisionError

    async def work() -> list[Any]:
        store = AsyncStore(lambda: Broken(tmp_path / "store.db", "one", synchronous="normal", busy_ms=30_000, linger_ms=0))
        await store.open()
        waiting = [store.run(lambda opened: opened.newest_id()) for _ in range(3)]
        answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), DEADLINE_S)
        with pytest.raises(StoreEndedError):
            await store.run(lambda opened: opened.newest_id())
        await store.close()
        return answers

    assert {type(answer) for answer in asyncio.run(work())} == {StoreEndedError}
