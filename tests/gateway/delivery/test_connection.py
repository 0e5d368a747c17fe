"""What a connection writes to a device that takes its time."""

import asyncio
from dataclasses import replace

from gateway.common.settings import load_settings
from gateway.delivery.settings import DeliverySettings
from gateway.delivery.store.values import StreamEntry, Withdrawn
from gateway.delivery.stream.connection import Connection, Event
from tests.gateway.delivery.stores import entry


def test_what_is_taken_back_before_it_was_written_never_is() -> None:
    async def scenario() -> list[Event]:
        written: list[Event] = []
        takes_more, all_of_it = asyncio.Event(), asyncio.Event()

        async def write(event: Event) -> None:
            await takes_more.wait()
            written.append(event)
            if isinstance(event, Withdrawn):
                all_of_it.set()

        stream = load_settings(DeliverySettings, "delivery", None).delivery.stream
        connection = Connection(("ada",), "phone", write, lambda _why: None, stream)
        connection.resume([], 0)
        for number, command_id in enumerate(("on its way", "waits", "last"), 1):
            connection.offer(replace(entry(command_id), stream_id=number))
        await asyncio.sleep(0)  # the first is with the transport
        connection.take_back("waits")
        takes_more.set()
        async with asyncio.timeout(20):
            await all_of_it.wait()
        return written

    written = asyncio.run(scenario())
    # That it was taken back is said nevertheless: an earlier connection of the device may have shown it.
    assert [(type(event), event.command_id) for event in written] == [
        (StreamEntry, "on its way"),
        (StreamEntry, "last"),
        (Withdrawn, "waits"),
    ]
