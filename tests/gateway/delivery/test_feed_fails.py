"""A store that fails ends the gateway, so that somebody starts it again; the thread that reads devices does not die unseen."""

import asyncio
import sqlite3
from typing import Any

import pytest

from gateway.delivery.devices.feed import DeviceFeed
from kairos.contract.connection import Connection
from kairos.v1.signal_pb2 import Signal, UserUpdate
from tests.gateway.delivery.processes import DEADLINE_S, Topics

pytestmark = pytest.mark.kafka


class Full:
    """Of a disk."""

    async def run(self, _operation: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")


def test_what_the_store_raises_is_handed_on(topics: Topics) -> None:
    topics.write("interactions", b"ada", Signal(user_update=UserUpdate(user_id="ada", erase=True)).SerializeToString())

    async def work() -> BaseException:
        failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        there = Connection(topics.bootstrap_servers, topics.prefix, {})
        feed = DeviceFeed(there, f"{topics.prefix}gateway", 5, Full(), failure.set_result)  # type: ignore[arg-type]
        feed.start()
        found = await asyncio.wait_for(failure, DEADLINE_S)
        await feed.stop()
        return found

    assert isinstance(asyncio.run(work()), sqlite3.OperationalError)
