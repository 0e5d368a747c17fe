"""``kairos replay-decisions``: takes logged decisions again, as they were or under another policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.topics import Config, Json, Prefix, Servers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kairos.decisions.counterfactual import WhatIf
    from kairos.decisions.offpolicy import Estimates
    from kairos.decisions.replay import Comparison
    from kairos.v1.decision_pb2 import Decision


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("replay-decisions")(replay_decisions)


def replay_decisions(
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    policy: Annotated[
        Path | None, typer.Option(help="Take them by this policy instead, and tell what it would have changed; as in `kairos policy diff`.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="JSON lines of kairos.v1.Decision, instead of the topic; no Kafka is needed.")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="JSON lines of kairos.v1.Knowledge with the releases that decisions name, instead of the topic.")
    ] = None,
    feedback: Annotated[
        Path | None, typer.Option(help="JSON lines of kairos.v1.Signal with what became of pushes, with --decisions and --policy.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Only decisions about this user.")] = None,
    since: Annotated[str | None, typer.Option(help="Only decisions from this moment on (ISO 8601, UTC).")] = None,
    write: Annotated[
        Path | None, typer.Option(help="With --policy: JSON lines of what was decided beside what would have been, for estimates.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take logged decisions again, each from its record alone, and compare them bit for bit with what was decided.

    Only decisions with inputs can be: the share that the policy asks for (log.replayable_share; docs/replaying-decisions.md). Each is taken by
    the policy that it names, the configured one (--config) or a release. Exit code 1 if any comes out otherwise.

    With --policy nothing is compared: it tells how many pushes another policy would have sent, why not, and what it expects of them; and where it is
    known what became of pushes, how many conversions a decision it would have brought (IPS, SNIPS, DR, with intervals by user).
    """
    from kairos.cli.arguments import moment_option, usage_error
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.decisions import sources
    from kairos.decisions.counterfactual import estimates_of, what_if
    from kairos.decisions.policies import KnownPolicies
    from kairos.decisions.replay import compare
    from kairos.policy.document import read_policy_file

    if (write or feedback) and not policy:
        raise usage_error("--write and --feedback go with --policy.", "Give the policy that is to be compared.")
    if feedback and not decisions:
        raise usage_error("--feedback goes with --decisions.", "Give both files, or none to read the topics.")
    settings = read_config(config)
    since_ms = moment_option("--since", since) or 0
    target = read_policy_file(policy, settings.policy).rules if policy else None  # a mistake is told before brokers are asked
    there = resolve_connection(config, bootstrap_servers, prefix) if decisions is None else None
    released = sources.releases_in(policies) if policies else sources.releases_on_topic(there) if there else ()
    known = KnownPolicies(settings.policy, released)
    every = sources.decisions_in(decisions) if decisions else sources.decisions_on_topic(there) if there else ()
    asked = _asked(every, user, since_ms)
    if target is None:
        comparison = compare(asked, known, settings.learning)
        _show(comparison, as_json=as_json)
        if comparison.different:
            raise typer.Exit(1)
        return
    result = what_if(asked, known, target, settings.learning)
    if write:
        _write(result, write)
    conversions = sources.conversions_in(feedback) if feedback else sources.conversions_on_topic(there) if there else None
    estimates = None if conversions is None else estimates_of(result, conversions)
    _show_what_if(result, estimates, as_json=as_json)


def _asked(decisions: "Iterable[Decision]", user: str | None, since_ms: int) -> "Iterable[Decision]":
    return (each for each in decisions if each.decided_at_ms >= since_ms and user in (None, each.user_id))


def _show(comparison: "Comparison", *, as_json: bool) -> None:
    from kairos.console import console, done, print_json, warn
    from kairos.decisions.show import comparison_as_json, comparison_table, differing_table

    if as_json:
        print_json(comparison_as_json(comparison))
        return
    console.print(comparison_table(comparison))
    if comparison.different:
        console.print()
        console.print(differing_table(comparison))
    elif comparison.compared:
        done("every one comes out as it was decided, bit for bit")
    elif comparison.missing:
        warn("none of the decisions could be taken again", "Let the job log what they read: policy.log.replayable_share.")


def _show_what_if(result: "WhatIf", estimates: "Estimates | None", *, as_json: bool) -> None:
    from kairos.console import console, print_json
    from kairos.decisions import offpolicy_table
    from kairos.decisions.show import what_if_as_json, what_if_lines, what_if_table

    if as_json:
        print_json({**what_if_as_json(result), "estimates": estimates and offpolicy_table.as_json(estimates)})
        return
    console.print(what_if_table(result))
    for line in what_if_lines(result):
        console.print(line, markup=False)
    if estimates is not None:
        console.print()
        console.print(offpolicy_table.show(estimates))


def _write(result: "WhatIf", path: Path) -> None:
    import json
    from dataclasses import asdict

    from kairos.errors import KairosError

    try:
        path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in result.replayed), encoding="utf-8")
    except OSError as error:
        raise KairosError(f"{path} cannot be written: {error.strerror}.") from error
