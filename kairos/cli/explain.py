"""``kairos explain``: why a user got a push, or got none, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.topics import Config, Json, Prefix, Servers

if TYPE_CHECKING:
    from flink_job.core.rules import Rules
    from kairos.errors import KairosError
    from kairos.explain.history import History
    from kairos.explain.sources import Source


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("explain")(explain)


def explain(
    user: Annotated[str, typer.Argument(help="Their id, as in the topics' keys.")],
    at: Annotated[str | None, typer.Option(help="What was in force then (ISO 8601; without a zone that of --zone, else UTC).")] = None,
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days are told of.")] = 7,
    zone: Annotated[str | None, typer.Option(help="Times of this zone, such as Europe/Berlin, instead of the user's.")] = None,
    decisions: Annotated[
        Path | None, typer.Option("--from", help="JSON lines of kairos.v1.Decision, instead of the topic; no Kafka is needed.")
    ] = None,
    pushes: Annotated[Path | None, typer.Option(help="JSON lines of kairos.v1.PushCommand, with --from.")] = None,
    feedback: Annotated[Path | None, typer.Option(help="JSON lines of kairos.v1.Signal, with --from.")] = None,
    interactions: Annotated[
        Path | None, typer.Option(help="JSON lines of kairos.v1.Signal, with --from: what the user did, for their zone.")
    ] = None,
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Tell why a user got a push or none: why this one, why now, why not the runner-up, why nothing yesterday, when the next chance is.

    Without --at it is about the latest push, and what is in force since; with it, about the decision that was in force then. It reads the
    decision log, and of pushes and feedback what became of it: no more than the user's own partition, from the days that are told of.
    docs/explain.md shows it.
    """
    from datetime import UTC
    from functools import partial

    from kairos.cli.arguments import moment_option, usage_error
    from kairos.console import console, print_json, warn
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.explain.answers import answers
    from kairos.explain.clock import clock_of, given_clock
    from kairos.explain.explain import explain as explained
    from kairos.explain.show import as_json as plain
    from kairos.explain.show import show
    from kairos.explain.sources import Files, Topics
    from kairos.policy.release import now_ms

    if decisions is None and (pushes or feedback or interactions):
        raise usage_error("--pushes, --feedback and --interactions go with --from.", "Give all files, or none to read the topics.")
    asked = given_clock(zone) if zone else None
    at_ms = moment_option("--at", at, asked.zone if asked else UTC)
    rules = read_config(config).policy
    source: Source = (
        Files(decisions, pushes, feedback, interactions) if decisions else Topics(resolve_connection(config, bootstrap_servers, prefix))
    )
    history, until_ms = _read(source, user, at_ms, days, None if decisions else now_ms())
    clock = asked or clock_of(history.decisions, rules.gates.quiet_hours, partial(source.said_around, user))
    explanation = explained(history, at_ms=at_ms, until_ms=until_ms, days=days, clock=clock, rules=rules)
    if explanation is None:
        raise _nothing_then(history, at or "", rules)
    told = answers(explanation, clock)
    if as_json:
        print_json(plain(explanation, told))
    else:
        show(explanation, told, clock, console)
        if history.malformed:
            warn(f"{history.malformed:,} records are no such message and were passed over")


def _read(source: "Source", user: str, at_ms: int | None, days: int, now_ms: int | None) -> "tuple[History, int]":
    """What is known of the user, and the moment that it is told for. Reads further back only if the last days have nothing."""
    from kairos.errors import KairosError

    day_ms = 86_400_000
    asked_ms = at_ms if at_ms is not None else now_ms
    from_ms = 0 if asked_ms is None else max(0, asked_ms - (days + 1) * day_ms)
    history = source.history(user, from_ms, None if at_ms is None else at_ms + day_ms)
    if from_ms and (asked_ms is None or history.in_force(asked_ms) is None):
        history = source.history(user, 0, None)
    if not history.decisions:
        raise KairosError(
            f"Nothing is known of user {user}: {source.name} has no decision about them.",
            "Ids are told apart by capitals. Of decisions against a push the policy logs a share only (log.suppressed_share), "
            "and the topic is kept for a month.",
        )
    latest_ms = history.decisions[-1].decided_at_ms
    if at_ms is not None:
        return history, at_ms
    # somebody of whom nothing was heard for long is told about as of then
    is_recent = now_ms is not None and latest_ms >= now_ms - days * day_ms
    return history, max(now_ms or 0, latest_ms) if is_recent else latest_ms


def _nothing_then(history: "History", at: str, rules: "Rules") -> "KairosError":
    """There are decisions, but later ones alone."""
    from kairos.errors import KairosError
    from kairos.policy.release import moment_in_words

    share = rules.log.suppressed_share
    sampled = f" Of decisions against a push the policy logs {share:g}: one may have been taken and not logged." if share < 1 else ""
    first = moment_in_words(history.decisions[0].decided_at_ms)
    return KairosError(
        f"The log has nothing of user {history.user_id} at {at} or before.", f"The first decision about them is of {first}.{sampled}"
    )
