"""``kairos feed``: what item features are worth, and what they make of a log's items."""

from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.arguments import duration_option, moment_option
from kairos.cli.replay import LogFile, LogName, WarmUp

if TYPE_CHECKING:
    from kairos.feed.evaluate import Score

_DEFAULT_WARM_UP = "60d"  # for logs whose replay needs none

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]
Dim = Annotated[int, typer.Option(min=1, help="Numbers in a feature vector.")]


def register(app: typer.Typer) -> None:
    """Adds the group ``kairos feed``."""
    feed = typer.Typer(no_args_is_help=True, help="Item features of a log: what they are worth, and which items they call alike.")
    feed.command("evaluate")(evaluate)
    feed.command("neighbours")(neighbours)
    app.add_typer(feed, name="feed")


def evaluate(
    log: LogFile,
    log_name: LogName = None,
    warm_up: WarmUp = None,
    step: Annotated[str, typer.Option(help="How long features are held before what happened is learned from, in the log's time.")] = "1h",
    measure_from: Annotated[
        str | None, typer.Option("--from", help="First moment to measure (UTC); what is before is only learned from.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Moment to stop before (UTC).")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Touches to measure in each step, about.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    dim: Dim = 64,
    as_json: Json = False,
) -> None:
    """Measure whether the next item is near to what its user touched before (docs/features.md). No Kafka is needed."""
    from kairos.console import print_json
    from kairos.feed.compare import compare
    from kairos.feed.features import ItemFeaturiser
    from kairos.logs.log import Log
    from kairos.logs.registry import find_format

    log_format = find_format(log, log_name)
    own_ms = log_format.covisits.warm_up_ms if log_format.covisits else 0
    asked_ms = duration_option("--warm-up", warm_up if warm_up is not None or own_ms else _DEFAULT_WARM_UP)
    with Log(log, log_format) as opened:
        scores = compare(
            opened,
            ItemFeaturiser(dim),
            warm_up_ms=own_ms if asked_ms is None else asked_ms,
            step_ms=duration_option("--step", step) or 1,
            measure_from_ms=moment_option("--from", measure_from) or 0,
            until_ms=moment_option("--until", until),
            sample=sample,
            seed=seed,
        )
    if as_json:
        print_json({name: score.as_json() for name, score in scores.items()})
    else:
        _show(log_format.title, scores)


def neighbours(
    log: LogFile,
    item: Annotated[list[str], typer.Argument(help="Item ids.")],
    log_name: LogName = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Neighbours of each.")] = 5,
    dim: Dim = 64,
) -> None:
    """Show the items nearest to some items, by content and by all co-visits of the log: a look at what features mean."""
    from rich.markup import escape
    from rich.table import Table

    from kairos.console import console
    from kairos.errors import USAGE_ERROR, KairosError
    from kairos.feed.compare import nearest
    from kairos.feed.features import ItemFeaturiser
    from kairos.logs.log import Log
    from kairos.logs.registry import find_format

    with Log(log, find_format(log, log_name)) as opened:
        found = nearest(opened, ItemFeaturiser(dim), item, count)
    for item_id in item:
        if item_id not in found:
            raise KairosError(f"{log}: there is no item {item_id!r} in this log.", "Ids are those of the log.", exit_code=USAGE_ERROR)
        table = Table("cosine", "item", "title or categories", box=None, pad_edge=False)
        for cosine, record in found[item_id]:
            table.add_row(f"{cosine:.2f}", escape(record.item_id), escape(record.title or record.category_path))
        console.print(table)


def _show(title: str, scores: "dict[str, Score]") -> None:
    from rich.table import Table

    from kairos.console import console

    table = Table(
        "features", "touches", "covered", "AUC", "AUC popular", "hits", "cosine", "of others", title=title, title_justify="left", box=None
    )
    for name, score in scores.items():
        numbers = (score.covered, score.auc, score.auc_popular, score.hits, score.cosine, score.cosine_random)
        table.add_row(name, f"{score.touches:,}", *(f"{number:.3f}" if score.measured else "" for number in numbers))
    console.print(table)
