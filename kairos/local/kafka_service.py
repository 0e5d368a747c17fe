"""The broker of the command line: one per clone, its data in ``.kairos/kafka``."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from kairos.console import console, doing, done, print_json
from kairos.errors import KairosError
from kairos.local import detached, paths, ports
from kairos.local.detached import DetachedProcess, ProcessRecord, ServiceRecord, launch_detached
from kairos.local.kafka import EmbeddedKafka
from kairos.local.processes import log_tail

_SERVICE = "kafka"


def start_in_background(port: int, properties: Mapping[str, str], *, fresh: bool) -> None:
    """No error if this clone's broker runs already on that port."""
    if (running := _running()) is not None:
        _, address = running
        if not address.endswith(f":{port}"):
            raise KairosError(f"This clone's broker runs on {address} already.", "Stop it first: kairos kafka stop")
        done(f"Kafka runs already on {address}")
        return
    broker = EmbeddedKafka(data_dir=_data_dir(fresh=fresh), port=port, properties=properties, launch=launch_detached)
    doing("Starting Kafka")
    broker.start()
    record = ProcessRecord.of(broker.process)
    detached.save(_SERVICE, ServiceRecord([record], {"bootstrap_servers": broker.bootstrap_servers}))
    done(f"Kafka runs on {broker.bootstrap_servers} (log: {broker.log}); stop it with: kairos kafka stop")


def run_in_foreground(port: int, properties: Mapping[str, str], *, fresh: bool) -> None:
    """Until Ctrl-C, SIGTERM, or the broker's own end, which is an error."""
    if (running := _running()) is not None:
        raise KairosError(f"This clone's broker runs on {running[1]} already.", "Stop it first: kairos kafka stop")
    doing("Starting Kafka")
    with EmbeddedKafka(data_dir=_data_dir(fresh=fresh), port=port, properties=properties) as broker:
        done(f"Kafka runs on {broker.bootstrap_servers} (log: {broker.log}); Ctrl-C stops it")
        broker.wait()
        raise KairosError(f"Kafka has ended by itself. The end of {broker.log}:\n{log_tail(broker.log)}")


def is_own_broker(bootstrap_servers: str) -> bool:
    """Whether this is the broker that ``kairos kafka start`` has started, and it runs."""
    running = _running()
    return running is not None and bootstrap_servers.replace("localhost", ports.LOCALHOST) == running[1]


def stop_broker() -> None:
    """No error if none runs."""
    record = detached.load(_SERVICE)
    for process in record.processes if record else []:
        DetachedProcess(process, grace_s=15).stop()
    detached.forget(_SERVICE)
    done("Kafka is stopped")


def print_status(*, as_json: bool) -> bool:
    """Whether a broker runs."""
    running = _running()
    if as_json:
        pid, address = (running[0].pid, running[1]) if running else (None, None)
        print_json({"running": running is not None, "bootstrap_servers": address, "pid": pid})
    elif running:
        console.print(f"Kafka runs on {running[1]} (process {running[0].pid}, log: {running[0].log})")
    else:
        console.print("Kafka does not run. Start it with: kairos kafka start")
    return running is not None


def _running() -> tuple[ProcessRecord, str] | None:
    record = detached.load(_SERVICE)
    if record is None or not DetachedProcess(record.processes[0]).is_running:
        return None
    return record.processes[0], record.details["bootstrap_servers"]


def _data_dir(*, fresh: bool) -> Path:
    folder = paths.state_dir() / "kafka"
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    return folder
