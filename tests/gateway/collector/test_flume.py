"""The Flume configuration, as far as it can be held without Flume: names, references, and what its sink would send and do with each answer."""

import json
import re

import httpx
import pytest

from kairos.local.paths import project_root
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import API_KEY, Running

FILE = project_root() / "deploy" / "flume" / "kairos.conf"
# Of Flume's user guide, 1.9 to 1.11
KNOWN = {
    "TAILDIR": r"type|channels|filegroups(\.\w+)?|positionFile|headers\..+|batchSize|interceptors(\..+)?",
    "http": r"type|channels|bind|port|handler(\..+)?|interceptors(\..+)?|selector(\..+)?|enableSSL|ssl",
    "search_replace": r"type|searchPattern|replaceString|charset",
    "org.apache.flume.channel.kafka.KafkaChannel": (
        r"type|kafka\.bootstrap\.servers|kafka\.topic|kafka\.consumer\.group\.id|kafka\.(producer|consumer)\.[\w.]+|parseAsFlumeEvent|pollTimeout"
    ),
    "http sink": (
        r"type|channel|endpoint|connectTimeout|requestTimeout|contentTypeHeader|acceptHeader|default(Backoff|Rollback|IncrementMetrics)"
        r"|(backoff|rollback|incrementMetrics)\.(\d{3}|\dXX)"
    ),
}


def properties() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            key, separator, value = line.partition(" = ")
            assert separator
            assert key not in found
            assert "\\" not in value  # .properties would take it for an escape
            found[key] = value
    return found


def part(prefix: str) -> dict[str, str]:
    return {key.removeprefix(f"kairos.{prefix}."): value for key, value in properties().items() if key.startswith(f"kairos.{prefix}.")}


def test_every_component_is_declared_known_and_wired() -> None:
    declared = {kind: properties()[f"kairos.{kind}"].split() for kind in ("sources", "channels", "sinks")}
    for key in properties():
        kind, *name = key.split(".")[1:3]
        assert not name or name[0] in declared[kind], key
    for source in declared["sources"]:
        settings = part(f"sources.{source}")
        assert all(re.fullmatch(KNOWN[settings["type"]], name) for name in settings)
        assert set(settings["channels"].split()) <= set(declared["channels"])
        for interceptor in settings["interceptors"].split():
            inner = part(f"sources.{source}.interceptors.{interceptor}")
            assert all(re.fullmatch(KNOWN[inner["type"]], name) for name in inner)
    for channel in declared["channels"]:
        settings = part(f"channels.{channel}")
        assert all(re.fullmatch(KNOWN[settings["type"]], name) for name in settings)
        assert not settings["kafka.topic"].startswith("kairos.")
    for sink in declared["sinks"]:
        settings = part(f"sinks.{sink}")
        assert all(re.fullmatch(KNOWN[f"{settings['type']} sink"], name) for name in settings)
        assert settings["channel"] in declared["channels"]
    assert API_KEY not in FILE.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", FILE.read_text())) == {"KAIROS_API_KEY", "KAFKA_BROKERS"}


def rule(what: str, status: int) -> bool:
    """As Flume chooses: the code itself, its group, the default."""
    sink = part("sinks.collector")
    default = {"rollback": "defaultRollback", "backoff": "defaultBackoff"}[what]
    return sink.get(f"{what}.{status}", sink.get(f"{what}.{status // 100}XX", sink[default])) == "true"


def test_what_would_be_refused_again_is_given_up_and_all_else_is_kept() -> None:
    assert [status for status in (200, 400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503) if not rule("rollback", status)] == [
        200,
        400,
        413,
        422,
    ]
    assert [status for status in (200, 400, 413, 422, 401, 429, 503) if rule("backoff", status)] == [401, 429, 503]


@pytest.mark.kafka
@pytest.mark.parametrize("source", ["files", "web"])
def test_what_its_sink_sends_is_taken(collector: Running, source: str) -> None:
    sink, envelope = part("sinks.collector"), part(f"sources.{source}.interceptors.envelope")
    line = json.dumps({"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "eventId": "f1", "query": "a $1 {tea}"})
    replaced = envelope["replaceString"].replace("${KAIROS_API_KEY}", API_KEY)
    body = re.sub(envelope["searchPattern"], lambda found: replaced.replace("$1", found[1]), line)
    address = collector.url + httpx.URL(sink["endpoint"]).path
    answer = httpx.post(
        address, content=body, headers={"Content-Type": sink["contentTypeHeader"], "Accept": sink["acceptHeader"]}, timeout=60
    )
    assert answer.status_code == 200
    ((_, value),) = collector.records("interactions", 1)
    assert Signal.FromString(value).interaction.query == "a $1 {tea}"
