"""The demo: Kafka, the topics, the job, a source of events, the page and a consumer, on this machine, by one command.

*Contract*: everything it starts ends with it, however it ends. Its files, logs among them, are in ``.kairos/demo`` and are
made anew each time. One demo at a time per clone.
"""

import os
import shutil
import time
import webbrowser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from flink_job.config import Config
from kairos.console import console, done, stderr, warn
from kairos.consume.consumer import PushConsumer
from kairos.consume.show import Shown
from kairos.contract.connection import read_config
from kairos.contract.topics import ensure_topics
from kairos.errors import USAGE_ERROR, KairosError
from kairos.job.counts import account, read_counts
from kairos.job.demo_edge import DemoEdge
from kairos.job.demo_screen import show_pushes
from kairos.job.demo_sources import Source
from kairos.job.local_job import LocalJob
from kairos.job.locked import locked
from kairos.job.steps import step
from kairos.local import kafka, paths, ports
from kairos.local.cluster import DEFAULT_REST_PORT
from kairos.local.processes import ChildProcess, log_tail

_PARTITIONS = 2
"""Of each topic: twelve, as on a real cluster, would only cost a laptop time."""

_QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx1g"
"""Starts with two thirds of the work; what it costs shows at thousands of events a second."""

_AFTER_THE_LOG_S = 15.0
"""How long pushes are awaited once a replayed log is at its end."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for. ``kafka_port``, ``ui_port``, ``page_port``: the usual one, or a free one if it is taken, unless given.

    ``page``: its address is printed, and opened in a browser, or there is none.
    """

    source: Source
    config: Path | None = None
    limit: int | None = None
    duration_s: float | None = None
    kafka_port: int | None = None
    ui_port: int | None = None
    as_json: bool = False
    page: Literal["printed", "opened", "none"] = "printed"
    page_port: int | None = None


def run_demo(demo: Demo) -> Shown:
    """Until ``limit`` pushes came, ``duration_s`` is over, a log is at its end, or Ctrl-C. Raises ``KairosError``."""
    began_s = time.monotonic()
    template = demo.config or paths.project_root() / "deploy" / "demo.yaml"
    read_config(template)  # a wrong key is said before anything is started
    if demo.page_port is not None and demo.page != "none":
        ports.require_free(demo.page_port, "the page", "--page-port, or KAIROS_PAGE_PORT")
    folder = paths.state_dir() / "demo"
    with locked(folder, "A demo"), ExitStack() as running:
        _clear(folder)
        with step("Starting Kafka") as say:
            broker = kafka.EmbeddedKafka(data_dir=folder / "kafka", port=demo.kafka_port or _usual_or_free(kafka.DEFAULT_PORT))
            running.enter_context(broker)
            say(f"Kafka runs on {broker.bootstrap_servers}")
        settings, config = _configure(template, folder, broker.bootstrap_servers)
        with step("Creating the topics") as say:
            topics = ensure_topics(broker.bootstrap_servers, config.kafka.topic_prefix, config.kafka.properties, _PARTITIONS)
            say(f"{len(topics)} topics are there: {config.kafka.topic_prefix}*")
        with step("Starting the job on a Flink cluster inside one process") as say:
            ui_port = demo.ui_port or _usual_or_free(DEFAULT_REST_PORT)
            job = LocalJob(folder / "flink", settings, ui_port, environment={"JVM_ARGS": os.environ.get("JVM_ARGS", _QUICK_JVM)})
            running.enter_context(job)
            job.wait_until_running()
            say(f"The job runs; how Flink sees it: {job.rest.base_url}")
        pushes = running.enter_context(_consumer(config))
        log = folder / "source.log"
        source = running.enter_context(ChildProcess(demo.source.title, demo.source.command(settings), log=log))
        done(demo.source.words())
        if demo.page != "none":
            _start_page(running, demo, settings, job.rest.base_url)
        _say_where(folder, settings, time.monotonic() - began_s)
        shown = show_pushes(pushes, log, _Watch(job, source), limit=demo.limit, timeout_s=demo.duration_s, as_json=demo.as_json)
        _say_what_happened(job, shown, as_json=demo.as_json)
        with step("Stopping everything") as say:
            running.close()
            say("Everything is stopped")
    return shown


def _start_page(running: ExitStack, demo: Demo, settings: Path, flink_url: str) -> None:
    """The demo goes on without it if it cannot be had."""
    try:
        with step("Starting collector, gateway and page") as say:
            edge = running.enter_context(DemoEdge(settings, flink_url, demo.page_port))
            edge.start()
            say(f"The page: {edge.address}")
    except KairosError as error:
        warn(f"There is no page: {error}")
        return
    if demo.page == "opened" and not webbrowser.open(edge.address):
        warn(f"No browser could be opened; the address is {edge.address}")


class _Watch:
    """Asked after every poll: raises ``KairosError`` if the job or the source has failed; true when a log is at its end."""

    def __init__(self, job: LocalJob, source: ChildProcess) -> None:
        self._job = job
        self._source = source
        self._ended_s: float | None = None

    def __call__(self) -> bool:
        self._job.check()
        if self._source.is_running:
            return False
        if self._source.returncode != 0:
            raise KairosError(f"{self._source.name} has failed. The end of {self._source.log}:\n{log_tail(self._source.log)}")
        if self._ended_s is None:
            self._ended_s = time.monotonic()
        return time.monotonic() - self._ended_s > _AFTER_THE_LOG_S


def _clear(folder: Path) -> None:
    for part in ("kafka", "flink", "checkpoints"):
        shutil.rmtree(folder / part, ignore_errors=True)
    (folder / "source.log").unlink(missing_ok=True)


def _configure(template: Path, folder: Path, bootstrap_servers: str) -> tuple[Path, Config]:
    """The template with what only this run knows, as a file that other commands can be given too."""
    document = yaml.safe_load(template.read_text(encoding="utf-8")) or {}
    document["kafka"] = {**document.get("kafka", {}), "bootstrap_servers": bootstrap_servers}
    document["job"] = {**document.get("job", {}), "checkpoint_dir": (folder / "checkpoints").as_uri()}
    settings = folder / "config.yaml"
    settings.write_text(f"# Made by `kairos demo` from {template}\n" + yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    config = read_config(settings)
    if config.kafka.bootstrap_servers != bootstrap_servers:
        raise KairosError(
            f"The environment variable KAIROS__KAFKA__BOOTSTRAP_SERVERS names {config.kafka.bootstrap_servers}, but the demo has its own Kafka.",
            "Unset it, or use `kairos run`, which takes the Kafka of the configuration.",
            exit_code=USAGE_ERROR,
        )
    return settings, config


def _consumer(config: Config) -> PushConsumer:
    """Opened before the first event, and from the beginning: no push is missed."""
    return PushConsumer(
        config.kafka.bootstrap_servers,
        config.topic("pushes"),
        group="kairos-demo",
        from_beginning=True,
        properties=config.kafka.properties,
    )


def _usual_or_free(port: int) -> int:
    return port if ports.is_free(port) else ports.free_port()


def _say_where(folder: Path, settings: Path, seconds: float) -> None:
    stderr.print(f"  Ready after {seconds:.0f} s. Logs: {folder}", style="dim", markup=False)
    stderr.print(f"  In another terminal: .venv/bin/kairos consume --config {settings}", style="dim", markup=False)
    stderr.print(
        "  One line a push: user, item, score, why this item, and the time from the event to the push. Ctrl-C ends it.\n", style="dim"
    )


def _say_what_happened(job: LocalJob, shown: Shown, *, as_json: bool) -> None:
    if as_json or not console.is_terminal:  # the live table ends with it
        stderr.print(shown.summary, markup=False)
    active = job.rest.active_jobs()
    for line in account(read_counts(job.rest, active[0].id, pushes=shown.totals.pushes)) if active else ():
        stderr.print(line, markup=False)
