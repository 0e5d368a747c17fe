"""``kairos replay``: a log of the past as the events of today."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kairos.cli.arguments import duration_option, moment_option, usage_error

if TYPE_CHECKING:
    from kairos.logs.replay import MakeSchedule

LogFile = Annotated[Path, typer.Argument(metavar="LOG", help="CSV, Parquet or JSON Lines file.")]
LogName = Annotated[
    str | None, typer.Option("--log", help="globo, retail, taobao, or a mapping file (.yaml). Default: told by the columns.")
]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file; its kafka and catalogue sections are used.")]
Servers = Annotated[str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")]
Prefix = Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")]
WarmUp = Annotated[
    str | None, typer.Option("--warm-up", help="Learn co-visit features from the log's first 2d, 12h, …; 0: learn none, replay all.")
]

_EXIT_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds ``kairos replay``."""
    app.command("replay")(replay)


def replay(
    log: LogFile,
    log_name: LogName = None,
    speed: Annotated[float | None, typer.Option(min=1e-6, help="Times as fast as life; 1 if no pace is given.")] = None,
    rate: Annotated[str | None, typer.Option(help="Events a second, evenly: 4000 or 4000/s.")] = None,
    at_most: Annotated[bool, typer.Option("--max", help="As fast as Kafka takes them.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.")] = None,
    start: Annotated[
        str | None, typer.Option(help="First moment to replay, in the log's time (UTC): 2017-10-03T03:00. What is before is learned from.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Moment to stop before, in the log's time (UTC).")] = None,
    shift: Annotated[
        bool, typer.Option("--shift-to-now/--no-shift", help="Event times become the times of sending, or stay as they are in the log.")
    ] = True,
    catalogue: Annotated[
        str, typer.Option(metavar="first|only|none", help="Send the items before the events, only them, or none.")
    ] = "first",
    warm_up: WarmUp = None,
    refresh: Annotated[
        str | None, typer.Option(help="How often, in the log's time, new items get co-visit features: 1h; 0: never.")
    ] = None,
    run: Annotated[
        str, typer.Option(help="Name of this replay, put into its event ids; else a second replay is a duplicate of the first.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but send: checks a mapping, needs no Kafka.")] = False,
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    progress: Annotated[bool | None, typer.Option("--progress/--no-progress", help="Default: if a person is watching.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The closing report as one JSON document on stdout.")] = False,
) -> None:
    """Stream a log into Kafka: first its items, then its events, in their own rhythm or faster.

    Examples:
      kairos replay clicks.parquet --speed 60         a minute of the log in a second
      kairos replay clicks.parquet --rate 4000/s      evenly
      kairos replay shop.csv --log shop.yaml --max    a log of your own (docs/replay.md)
    """
    from flink_job.config import load_config
    from kairos.cli.replay_view import show_report, watching
    from kairos.contract.connection import resolve_connection
    from kairos.contract.topics import TOPICS, ensure_topics
    from kairos.feed.features import ItemFeaturiser
    from kairos.logs.log import Log
    from kairos.logs.pacing import WallClock
    from kairos.logs.producer import Discard, RecordProducer
    from kairos.logs.registry import find_format
    from kairos.logs.replay import Options, Replay

    make_schedule = _pace(speed, rate, at_most)
    log_format = find_format(log, log_name)
    there = resolve_connection(config, bootstrap_servers, prefix)
    options = Options(
        items_topic=there.topic("items"),
        interactions_topic=there.topic("interactions"),
        catalogue=_one_of("--catalogue", catalogue),
        shift=shift,
        limit=limit,
        start_ms=moment_option("--start", start),
        until_ms=moment_option("--until", until),
        warm_up_ms=duration_option("--warm-up", warm_up),
        refresh_ms=duration_option("--refresh", refresh),
        run=_run_name(run),
    )
    featuriser = ItemFeaturiser(load_config(config).catalogue.feature_dim)
    if not dry_run:
        topics = [TOPICS["items"], TOPICS["interactions"]]
        ensure_topics(there.bootstrap_servers, there.prefix, there.properties, topics=topics)
    sink = Discard() if dry_run else RecordProducer(there.bootstrap_servers, "kairos-replay", there.properties)
    interrupted = False
    with Log(log, log_format) as opened, sink, watching(progress) as watch:
        work = Replay(opened, options, make_schedule, sink, featuriser, WallClock(), watch)
        try:
            work.run()
        except KeyboardInterrupt:
            interrupted = True
    show_report(work.report, log_format.title, as_json=as_json)
    if interrupted:
        raise typer.Exit(_EXIT_INTERRUPTED)


def _pace(speed: float | None, rate: str | None, at_most: bool) -> "MakeSchedule":
    from kairos.logs.pacing import AtOnce, ByRate, BySpeed

    if sum((speed is not None, rate is not None, at_most)) > 1:
        raise usage_error("--speed, --rate and --max exclude each other.", "Give one of them.")
    if at_most:
        return lambda _start_ms, _first_ms: AtOnce()
    if rate is not None:
        per_second = _per_second(rate)
        return lambda start_ms, _first_ms: ByRate(start_ms, per_second)
    return lambda start_ms, first_ms: BySpeed(start_ms, first_ms, 1.0 if speed is None else speed)


def _per_second(rate: str) -> float:
    try:
        per_second = float(rate.strip().removesuffix("/s"))
    except ValueError:
        per_second = 0.0
    if not 0 < per_second < float("inf"):
        raise usage_error(f"--rate {rate}: this is no number of events a second.", "Write --rate 4000 or --rate 4000/s.")
    return per_second


def _one_of(option: str, value: str) -> Literal["first", "only", "none"]:
    if value not in ("first", "only", "none"):
        raise usage_error(f"{option} {value}: this is none of first, only, none.", "first sends the items before the events.")
    return value  # type: ignore[return-value]  # checked above


def _run_name(run: str) -> str:
    if len(run) > 40 or not all(character.isalnum() or character in "._" for character in run):
        raise usage_error(f"--run {run}: a name has up to 40 letters, digits, dots and underscores.", "It becomes part of every event id.")
    return run
