"""What docs/collector.md shows runs, in order, as written."""

import re
from typing import Any

import httpx
import pytest

from gateway.common.settings import default_document
from kairos.local.paths import project_root
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import API_KEY, SECRET, Running

DOCUMENT = (project_root() / "docs" / "collector.md").read_text(encoding="utf-8")


@pytest.mark.kafka
def test_the_python_of_the_document_runs(collector: Running) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    code = "\n".join(blocks).replace("http://127.0.0.1:8088", collector.url)
    code = code.replace("replace-me-replace-me-replace-me", SECRET).replace("replace-me-with-an-api-key", API_KEY)
    namespace: dict[str, Any] = {}
    exec(compile(code, "collector.md", "exec"), namespace)
    sent = httpx.post(
        f"{collector.url}/v1/events",
        json={"type": "INTERACTION_TYPE_VIEW"},
        headers={"Authorization": f"Bearer {namespace['token']}"},
        timeout=60,
    )
    assert sent.status_code == 200
    ((_, item),) = collector.records("items", 1)
    assert Item.FromString(item).texts[""].title == "Blue mug"
    assert {Signal.FromString(value).WhichOneof("body") for _, value in collector.records("interactions", 3)} == {
        "interaction",
        "user_update",
    }


def test_every_metric_and_every_setting_that_the_document_names_exists(lonely: Running) -> None:
    with lonely.client(None) as client:
        metrics = client.get("/metrics").text
    for name in re.findall(r"`(kairos_collector_\w+)", DOCUMENT):
        assert f"# HELP {name} " in metrics or f"# HELP {name.removesuffix('_total')} " in metrics, name
    settings = default_document("collector")
    for section, name in re.findall(r"`(collector|producer|auth|pseudonyms|log)\.(\w+)", DOCUMENT):
        assert name in settings[section], f"{section}.{name}"
