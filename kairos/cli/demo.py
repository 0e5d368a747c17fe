"""``kairos demo``: everything at once, to see it work."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from kairos.job.demo_sources import Source

INTERRUPTED = 130
_PATIENCE_S = 300.0
_LOG_SPEED = 60.0


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    users: Annotated[int, typer.Option(min=1, help="Users of the built-in world.")] = 5_000,
    items: Annotated[int, typer.Option(min=10, help="Items of the built-in world.")] = 2_000,
    speed: Annotated[
        float | None, typer.Option(help="Times as fast as life: users of the world live so (30), a log is replayed so (60).")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Events a second, instead of a speed.")] = None,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Replay this log instead of running the world.")] = None,
    log_kind: Annotated[
        str | None, typer.Option("--log-kind", help="globo, retail, taobao, or a mapping file. Default: told by the columns.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Instead of deploy/demo.yaml.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many pushes; exit code 1 if they do not come in time.")] = None,
    duration: Annotated[str | None, typer.Option(help="End after so long, such as 90s or 5m. With --limit: 5m if not given.")] = None,
    kafka_port: Annotated[
        int | None, typer.Option(envvar="KAIROS_KAFKA_PORT", help="Port of Kafka. Default: 9092, or a free one if it is taken.")
    ] = None,
    ui_port: Annotated[
        int | None, typer.Option(envvar="KAIROS_FLINK_PORT", help="Port of Flink's web UI. Default: 8081, or a free one.")
    ] = None,
    page_port: Annotated[
        int | None, typer.Option(envvar="KAIROS_PAGE_PORT", help="Port of the page. Default: 8090, or a free one.")
    ] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the page, its collector and its gateway.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Pushes as one JSON object a line on stdout; the rest on stderr.")] = False,
) -> None:
    """Run everything on this machine: Kafka, the job, a world of users, a page to be one of them, and a consumer that shows the pushes.

    Ends with Ctrl-C, and nothing it has started stays behind.

    Examples:
      kairos demo                                       the built-in world: shop, news and social
      kairos demo --users 50000 --rate 500              more of it
      kairos demo --log clicks.parquet --speed 600      a real log, ten minutes of it in a second
      kairos demo --open                                with the page in a browser
      kairos demo --limit 20                            for scripts: exit code 0 when 20 pushes came
    """
    import logging

    from kairos.cli.arguments import duration_option
    from kairos.consume.show import End
    from kairos.errors import RUNTIME_FAILURE
    from kairos.job.demo import Demo, run_demo

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what concerns the user is raised
    duration_ms = duration_option("--duration", duration)
    duration_s = duration_ms / 1000 if duration_ms is not None else _PATIENCE_S if limit is not None else None
    source = _source(users, items, speed, rate, log, log_kind)
    page: Literal["printed", "opened", "none"] = "none" if no_page else "opened" if open_page else "printed"
    shown = run_demo(Demo(source, config, limit, duration_s, kafka_port, ui_port, as_json, page, page_port))
    if shown.end is End.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if limit is not None and shown.end is not End.LIMIT:
        raise typer.Exit(RUNTIME_FAILURE)


def _source(users: int, items: int, speed: float | None, rate: float | None, log: Path | None, log_kind: str | None) -> "Source":
    from kairos.cli.arguments import usage_error
    from kairos.job.demo_sources import LogSource, WorldSource

    if speed is not None and rate is not None:
        raise usage_error("--speed and --rate exclude each other.", "Give one of them.")
    if log is None:
        if log_kind is not None:
            raise usage_error("--log-kind says what --log is, but there is no --log.", "Name the file: --log clicks.parquet")
        return WorldSource(users, items, speed, rate)
    if not log.is_file():
        raise usage_error(f"--log: there is no file {log}.", "Give the path of a CSV, Parquet or JSON Lines file.")
    return LogSource(log.resolve(), log_kind, speed if speed is not None else _LOG_SPEED, rate)
