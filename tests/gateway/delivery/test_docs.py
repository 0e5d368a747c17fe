"""The client of docs/gateway.md runs, against a real gateway; and the table of metrics is the whole of them."""

import contextlib
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import ConnectionClosed

import gateway.delivery.metrics
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually, token

DOCUMENT = (Path(gateway.delivery.metrics.__file__).parents[2] / "docs" / "gateway.md").read_text()


@pytest.mark.kafka
def test_twenty_lines_receive_pushes_and_say_so(start: Start, topics: Topics) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict[str, Any] = {}
    exec(code, names)
    shown: list[str] = []

    def show(push: dict[str, Any]) -> bool:
        shown.append(push["title"])
        return True

    first = start()

    def listen(running: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            names["stream"](running.address, token("ada"), show)

    listening = threading.Thread(target=listen, args=(first,), daemon=True)
    listening.start()
    topics.push(command("c1"))
    eventually(lambda: topics.outcomes("c1")[-2:] in (["DISPLAYED", "DELIVERED"], ["DELIVERED", "DISPLAYED"]), "the job knows")
    first.stop()
    listening.join(20)
    second = start()
    threading.Thread(target=listen, args=(second,), daemon=True).start()
    topics.push(command("c2"))
    eventually(lambda: topics.outcomes("c2")[-1:] == ["DISPLAYED"] or "DELIVERED" in topics.outcomes("c2"), "and again")

    assert shown == ["Blue mug", "Blue mug"]


def test_every_metric_is_in_the_document() -> None:
    names = {family.name for family in REGISTRY.collect() if family.name.startswith("kairos_gateway_")}
    counters = {family.name for family in REGISTRY.collect() if family.type == "counter" and family.name in names}

    assert {name + "_total" if name in counters else name for name in names} == set(re.findall(r"`(kairos_gateway_\w+)", DOCUMENT))
