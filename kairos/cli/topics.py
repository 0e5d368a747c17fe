"""``kairos topics``: create, list and describe the topics of the contract."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kairos.contract.topics import TopicOutcome

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file; its kafka section is used.")]
Servers = Annotated[str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")]
Prefix = Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    topics = typer.Typer(no_args_is_help=True, help="Create, list and describe the topics of the contract (docs/topics.md).")
    topics.command("create")(create)
    topics.command("list")(list_topics)
    topics.command("describe")(describe)
    topics.command("document", hidden=True)(document)
    app.add_typer(topics, name="topics")


def create(
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    partitions: Annotated[int | None, typer.Option(min=1, help="Partitions of every topic, instead of each topic's own.")] = None,
    replication: Annotated[int | None, typer.Option(min=1, help="Copies, instead of the cluster's default.")] = None,
    apply_settings: Annotated[
        bool, typer.Option("--apply-settings", help="Also bring the settings of existing topics in line (never partitions).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create the topics that are missing. Safe to repeat.

    Topics that exist are left as they are; what differs from the contract is said.
    """
    from kairos.console import print_json
    from kairos.contract.connection import resolve_connection
    from kairos.contract.topics import ensure_topics

    there = resolve_connection(config, bootstrap_servers, prefix)
    outcomes = ensure_topics(
        there.bootstrap_servers,
        there.prefix,
        there.properties,
        partitions,
        replication=replication,
        apply_settings=apply_settings,
    )
    if as_json:
        print_json([_outcome_json(outcome) for outcome in outcomes])
    else:
        _say(outcomes)


def list_topics(config: Config = None, bootstrap_servers: Servers = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """List the topics of the contract and whether the cluster has them."""
    from rich.table import Table

    from kairos.console import console, print_json

    rows = _compare(config, bootstrap_servers, prefix)
    if as_json:
        print_json(rows)
        return
    table = Table("topic", "message", "key", "partitions", "copies", "on the cluster", box=None, pad_edge=False)
    for row in rows:
        state = "[red]missing[/]" if not row["exists"] else "[yellow]differs[/]" if row["differences"] else "[green]as it should be[/]"
        there = (str(row["actual_partitions"]), str(row["replication"])) if row["exists"] else ("", "")
        table.add_row(row["name"], row["message"], row["key"], *there, state)
    console.print(table)


def describe(
    topic: Annotated[str, typer.Argument(help="Name without the prefix, such as items.")],
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Say everything about one topic: what is in it, who uses it, its settings, and how the cluster has it."""
    from kairos.console import console, print_json
    from kairos.contract.topics import TOPICS
    from kairos.errors import USAGE_ERROR, KairosError

    if topic not in TOPICS:
        raise KairosError(f"There is no topic {topic!r}.", f"The topics are {', '.join(TOPICS)}.", exit_code=USAGE_ERROR)
    (row,) = [row for row in _compare(config, bootstrap_servers, prefix) if row["topic"] == topic]
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        words = ", ".join(f"{key}={each}" for key, each in value.items()) if isinstance(value, dict) else value
        console.print(f"[cyan]{name:18}[/] ", end="")
        console.print("; ".join(words) if isinstance(words, (list, tuple)) else str(words), markup=False)


def document() -> None:
    """Write docs/topics.md from topics.yaml (for maintainers)."""
    from kairos.console import done
    from kairos.contract.document import topics_document
    from kairos.contract.topics import TOPICS
    from kairos.local.paths import project_root

    page = project_root() / "docs" / "topics.md"
    page.write_text(topics_document(TOPICS), encoding="utf-8")
    done(f"{page} written")


def _compare(config: Path | None, bootstrap_servers: str | None, prefix: str | None) -> list[dict[str, Any]]:
    """Contract and cluster side by side, one row a topic."""
    from kairos.contract.clients import open_admin
    from kairos.contract.connection import resolve_connection
    from kairos.contract.topics import TOPICS, describe_topics, differences

    there = resolve_connection(config, bootstrap_servers, prefix)
    with open_admin(there.bootstrap_servers, there.properties) as admin:
        found = describe_topics(admin, [spec.name(there.prefix) for spec in TOPICS.values()])
    rows = []
    for spec in TOPICS.values():
        actual = found.get(spec.name(there.prefix))
        rows.append(
            {
                "topic": spec.short_name,
                "name": spec.name(there.prefix),
                "message": spec.message,
                "key": spec.key_words,
                "partitions": spec.partitions,
                "settings": spec.settings,
                "written_by": list(spec.written_by),
                "read_by": list(spec.read_by),
                "why": spec.why,
                "exists": actual is not None,
                "actual_partitions": actual.partitions if actual else None,
                "replication": actual.replication if actual else None,
                "actual_settings": actual.settings if actual else {},
                "differences": list(differences(spec, actual)) if actual else [],
            }
        )
    return rows


def _outcome_json(outcome: "TopicOutcome") -> dict[str, Any]:
    return {
        "name": outcome.name,
        "created": outcome.created,
        "altered": list(outcome.altered),
        "differences": list(outcome.differences),
    }


def _say(outcomes: "list[TopicOutcome]") -> None:
    from kairos.console import done, stderr, warn

    for outcome in outcomes:
        if outcome.created:
            done(f"{outcome.name} created")
        else:
            stderr.print(f"  {outcome.name} exists", style="dim")
        if outcome.altered:
            done(f"{outcome.name}: set {', '.join(outcome.altered)}")
        if outcome.differences:
            warn(f"{outcome.name}: {'; '.join(outcome.differences)}", _remedy(outcome.differences))


def _remedy(differences: tuple[str, ...]) -> str:
    if any("partitions" not in difference for difference in differences):
        return "--apply-settings brings the settings in line; partitions are left as they are (docs/topics.md)."
    return "It works; see docs/topics.md before you change the number of partitions."
