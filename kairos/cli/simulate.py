"""``kairos simulate``: the built-in world on Kafka; the shell around ``kairos.world``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kairos.contract.connection import Connection
    from kairos.world.live import LiveWorld
    from kairos.world.settings import WorldSettings
    from kairos.world.tally import Tally

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("simulate")(simulate)


def simulate(
    scenario: Annotated[str, typer.Option(help="shop, news, social, or mixed: all three.")] = "mixed",
    users: Annotated[int, typer.Option(min=1, help="How many users there are.")] = 5_000,
    items: Annotated[int, typer.Option(min=10, help="How many items there are at a time.")] = 2_000,
    lively: Annotated[
        bool, typer.Option("--lively", help="For watching: users live 30 times as fast and make at least 50 events a second.")
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Interactions a second, whatever the hour; users live faster if they must.")] = None,
    time_scale: Annotated[float | None, typer.Option(help="How many times as fast as life users live; the hour stays the clock's.")] = None,
    seed: Annotated[int, typer.Option(help="Another number, another world.")] = 1,
    duration: Annotated[str | None, typer.Option(help="End after this, such as 90s or 5m; without it, at Ctrl-C.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file; its kafka section is used.")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="A line every five seconds instead of a live table.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The totals at the end as one JSON document on stdout.")] = False,
) -> None:
    """Run the built-in world: users who browse, buy, read and post, and react to the pushes they get.

    It makes the topics that are missing, writes its catalogue, then lives in real time on Kafka: interactions and item changes
    go out, push commands come in, and what becomes of them goes out as feedback.

    By default users keep their own hours, so that a few thousand make one or two events a second; --lively is for watching.
    Where its numbers come from, and what is true of it: docs/world.md.
    """
    import logging

    from kairos.console import print_json, stderr
    from kairos.contract.connection import resolve_connection
    from kairos.logs.pacing import WallClock
    from kairos.world.settings import WorldSettings
    from kairos.world.status import line
    from kairos.world.tempo import plan_tempo

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what concerns the user is raised
    tempo = plan_tempo(users, rate, time_scale, lively=lively)
    settings = WorldSettings(
        seed=seed,
        start_ms=WallClock().now_ms(),
        users=users,
        items=items,
        scenario=scenario,
        pace=tempo.pace,
        rate=tempo.rate,
        floor=tempo.floor,
    )
    duration_ms = _duration_ms(duration)
    there = resolve_connection(config, bootstrap_servers, prefix)
    tally, interrupted = _run(settings, there, _feature_dim(config), duration_ms, plain=plain)
    ended_ms = WallClock().now_ms()
    if as_json:
        print_json({"scenario": scenario, "users": users, "items": items, "seed": seed, "pace": tempo.pace, **tally.as_json(ended_ms)})
    else:
        stderr.print(line(tally, ended_ms), markup=False)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _run(settings: "WorldSettings", there: "Connection", feature_dim: int, duration_ms: int | None, *, plain: bool) -> "tuple[Tally, bool]":
    """The totals, and whether Ctrl-C ended it. Everything is written before it returns, also then."""
    from kairos.console import doing, done, stderr
    from kairos.contract.topics import ensure_topics
    from kairos.feed.features import ItemFeaturiser
    from kairos.logs.pacing import WallClock
    from kairos.logs.producer import RecordProducer
    from kairos.world.codec import WorldCodec
    from kairos.world.live import LiveWorld, PushReader
    from kairos.world.status import PlainStatus
    from kairos.world.world import World

    ensure_topics(there.bootstrap_servers, there.prefix, there.properties)
    doing(f"making a world of {settings.users:,} users and {settings.items:,} items")
    world = World(settings)
    with (
        PushReader(there.bootstrap_servers, there.topic("pushes"), there.properties) as pushes,
        RecordProducer(there.bootstrap_servers, "kairos-simulate", there.properties) as producer,
    ):
        live = LiveWorld(world, WorldCodec(ItemFeaturiser(feature_dim)), producer, pushes, there.topic, WallClock())
        try:
            done(f"catalogue of {live.offer():,} items written to {there.topic('items')}")
            done(f"it lives{_pace_words(settings.pace)}; Ctrl-C ends it")
            if plain or not stderr.is_terminal:
                live.watch = PlainStatus(stderr)
                live.run(duration_ms)
            else:
                _run_on_terminal(live, duration_ms)
        except KeyboardInterrupt:
            producer.flush()
            return live.tally, True
        return live.tally, False


def _run_on_terminal(live: "LiveWorld", duration_ms: int | None) -> None:
    from rich.live import Live

    from kairos.console import stderr
    from kairos.world.status import LiveStatus

    with Live(console=stderr, auto_refresh=False, transient=True) as screen:
        live.watch = LiveStatus(screen)
        live.run(duration_ms)


def _duration_ms(text: str | None) -> int | None:
    from kairos.errors import USAGE_ERROR, KairosError
    from kairos.logs.durations import duration_ms

    if text is None:
        return None
    try:
        return duration_ms(text)
    except ValueError as error:
        raise KairosError(f"--duration: {error}.", exit_code=USAGE_ERROR) from error


def _feature_dim(config: Path | None) -> int:
    from flink_job.config import load_config

    return load_config(config).catalogue.feature_dim


def _pace_words(pace: float) -> str:
    return "" if pace == 1 else f", {pace:g} times as fast as life"
