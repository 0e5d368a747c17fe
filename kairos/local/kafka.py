"""A real Kafka broker on this machine: Apache Kafka in KRaft mode, one Java process, no Docker.

    with EmbeddedKafka() as kafka:
        KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)

*Contract*: ready when the ``with`` block is entered; gone, with the data folder it made itself, when it is left,
however that happens.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from kairos.local import ports
from kairos.local.artefacts import classpath
from kairos.local.java import find_java
from kairos.local.kafka_format import format_storage
from kairos.local.processes import ChildProcess, Launch, ManagedProcess

DEFAULT_PORT = 9092
START_DEADLINE_S = 60.0
HEAP_MB = 512

_LOG4J = Path(__file__).with_name("kafka_log4j2.properties")


class EmbeddedKafka:
    """A broker for the length of a ``with`` block.

    ``data_dir``: kept if given (and the broker finds its topics again), else a temporary folder. ``port``: a free one
    if not given. ``properties`` are added to, and win over, the broker's own; see ``broker_properties``.
    ``launch``: as a child, unless the broker is to outlive this program.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        port: int | None = None,
        properties: Mapping[str, str] | None = None,
        heap_mb: int = HEAP_MB,
        launch: Launch = ChildProcess,
    ) -> None:
        self.port = port or ports.free_port()
        self._temporary = data_dir is None
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="kairos-kafka-"))
        self._properties = dict(properties or {})
        self._heap_mb = heap_mb
        self._launch = launch
        self._process: ManagedProcess | None = None

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return f"{ports.LOCALHOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker prints."""
        return self.data_dir / "broker.log"

    @property
    def pid(self) -> int:
        """Process id of the broker; it must have been started."""
        return self.process.pid

    @property
    def process(self) -> ManagedProcess:
        """The broker's process; it must have been started."""
        if self._process is None:
            raise RuntimeError("the broker has not been started")
        return self._process

    def start(self) -> None:
        """Returns when clients can connect; raises ``KairosError`` with the end of the broker's log."""
        ports.require_free(self.port, "the Kafka broker", "--port, or KAIROS_KAFKA_PORT")
        config = prepare(self.data_dir, self.port, self._properties)
        self._process = self._launch("Kafka", broker_command(config, self._heap_mb), log=self.log, grace_s=15)
        try:
            self._process.wait_until(lambda: ports.is_listening(self.port), f"listening on port {self.port}", deadline_s=START_DEADLINE_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the broker and deletes the data folder, if it is a temporary one. Safe to repeat."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._temporary:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def wait(self) -> None:
        """Blocks until the broker has ended by itself."""
        while self.process.is_running:
            time.sleep(0.2)

    def kill(self) -> None:
        """``kill -9`` for tests of what happens to the job then; ``start`` brings it back with its data."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def prepare(data_dir: Path, port: int, properties: Mapping[str, str]) -> Path:
    """Writes ``server.properties`` and formats the storage if that was not done yet; returns the properties' path."""
    data_dir.mkdir(parents=True, exist_ok=True)
    merged = {**broker_properties(data_dir, port, ports.free_port()), **properties}
    config = data_dir / "server.properties"
    config.write_text("".join(f"{key}={value}\n" for key, value in merged.items()), encoding="utf-8")
    format_storage(config, Path(merged["log.dirs"]))
    return config


def broker_properties(data_dir: Path, port: int, controller_port: int) -> dict[str, str]:
    """One node that is broker and controller, with the replication factors of one node."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{ports.LOCALHOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{ports.LOCALHOST}:{port},CONTROLLER://{ports.LOCALHOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{ports.LOCALHOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data_dir / "data"),
        "auto.create.topics.enable": "false",  # a misspelt topic is an error, not a new topic
        "num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",  # consumers start at once instead of after 3 s
        "log.segment.bytes": str(64 << 20),
    }


def broker_command(config: Path, heap_mb: int) -> list[str]:
    """The Java command of a broker, with the garbage collector settings of Kafka's own scripts."""
    return [
        find_java().executable,
        *(
            f"-Xms{heap_mb // 2}m",
            f"-Xmx{heap_mb}m",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-Djava.awt.headless=true",
        ),
        f"-Dlog4j2.configurationFile={_LOG4J}",
        *("-cp", classpath("kafka"), "kafka.Kafka", str(config)),
    ]
