"""All behind the page, as `kairos demo` has it, but for the simulated users: real Kafka, the real job, collector, gateway, and a catalogue."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from kairos.contract.connection import read_config
from kairos.contract.topics import ensure_topics
from kairos.feed.features import ItemFeaturiser
from kairos.job.demo_edge import DemoEdge
from kairos.job.local_job import LocalJob
from kairos.local import paths, ports
from kairos.logs.producer import RecordProducer
from kairos.world.codec import WorldCodec
from kairos.world.settings import WorldSettings
from kairos.world.world import World

ITEMS = 240
_QUICK_JVM = {"JVM_ARGS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx1g"}


@contextmanager
def staged(folder: Path, bootstrap_servers: str, prefix: str, now_ms: int, push_services: Sequence[str] = ()) -> Iterator[str]:
    """The page's address, as long as the block lasts. `push_services`: hosts of browsers' push services, instead of the known ones."""
    document = yaml.safe_load((paths.project_root() / "deploy" / "demo.yaml").read_text(encoding="utf-8"))
    document["kafka"] = {"bootstrap_servers": bootstrap_servers, "topic_prefix": prefix}
    document["job"] |= {"checkpoint_dir": (folder / "checkpoints").as_uri()}
    # Who looks at this and that likes nothing much, and the stories are to have their pushes all the same.
    document["policy"]["send"]["min_score"] = 0
    document["policy"]["utility"]["least"] = -1
    settings = folder / "config.yaml"
    settings.write_text(yaml.safe_dump(document), encoding="utf-8")
    ensure_topics(bootstrap_servers, prefix, partitions=2)
    offer(bootstrap_servers, prefix, now_ms, read_config(settings).catalogue.feature_dim)
    with LocalJob(folder / "flink", settings, ports.free_port(), environment=_QUICK_JVM) as job:
        job.wait_until_running()
        with DemoEdge(settings, job.rest.base_url, ports.free_port(), push_services) as edge:
            edge.start()
            yield edge.address


def offer(bootstrap_servers: str, prefix: str, now_ms: int, feature_dim: int) -> None:
    """The world's catalogue, of which nobody lives here."""
    world = World(WorldSettings(seed=1, start_ms=now_ms, users=1, items=ITEMS))
    codec = WorldCodec(ItemFeaturiser(feature_dim))
    with RecordProducer(bootstrap_servers, "tests") as producer:
        producer.send(f"{prefix}items", (codec.record(change)[1:] for change in world.catalogue()))
