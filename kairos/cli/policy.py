"""``kairos policy``: check a policy, see what it would change, release it to the running job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kairos.cli.price import price
from kairos.cli.topics import Config, Json, Prefix, Servers

if TYPE_CHECKING:
    from flink_job.codec.knowledge import PolicyRelease
    from flink_job.core.rules import Rules
    from kairos.policy.difference import Difference

Arm = Annotated[str, typer.Option("--arm", metavar="LAYER/ARM", help="Of an experiment arm: laid over the policy of all others.")]
File = Annotated[Path, typer.Argument(help="YAML of the section `policy`, or only what differs from the configured one.")]

_HELP = """
The policy of a running job: what decides whether, what and when to push.

A policy is the section [cyan]policy[/] of the configuration, or the part of it that differs. It is laid over what the job was configured
with (--config), so give the job's own file here. Jobs follow a release from the moment on that it names, without a restart, and every
decision carries the version it was taken by (docs/policy.md).

  kairos policy check calm.yaml       is it a policy, and if not, why
  kairos policy diff calm.yaml        what it would change
  kairos policy publish calm.yaml     let jobs follow it
  kairos policy withdraw              back to the configured one
  kairos policy price 0.002           what every push costs from now on
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    policy = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help=_HELP)
    policy.command("check")(check)
    policy.command("diff")(diff)
    policy.command("publish")(publish)
    policy.command("withdraw")(withdraw)
    policy.command("price")(price)
    app.add_typer(policy, name="policy", short_help="Check, compare and release the policy of a running job.")


def check(file: File, config: Config = None, arm: Arm = "", as_json: Json = False) -> None:
    """Tell whether a file is a policy the job would follow, and name every key that is wrong. No Kafka is needed.

    Exit code 1 if it is not.
    """
    from kairos.console import console, done, print_json
    from kairos.contract.connection import read_config
    from kairos.policy.difference import differences
    from kairos.policy.document import problems_of, read_policy_file

    configured = read_config(config).policy
    problems = problems_of(file, configured, arm)
    if as_json:
        print_json({"valid": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            console.print(f"[bold red]✗[/] {_escaped(problem)}")
    else:
        changed = len(differences(configured, read_policy_file(file, configured, arm).rules))
        done(f"{file} is a policy; it changes {_settings(changed)} of the configured one")
    if problems:
        raise typer.Exit(1)


def diff(
    file: File,
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    arm: Arm = "",
    configured: Annotated[bool, typer.Option("--configured", help="Compare with the configuration; no Kafka is needed.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a file would change, setting by setting, against the policy that is in force now.

    That is the newest release on the knowledge topic whose moment has come, else the configured one.
    """
    from flink_job.releases import Releases
    from kairos.console import console, print_json
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.policy.difference import differences
    from kairos.policy.document import read_policy_file
    from kairos.policy.release import followed, now_ms
    from kairos.policy.topic import read_releases

    rules = read_config(config).policy
    if not arm:
        read_policy_file(file, rules)  # a mistake is told before brokers are asked
    at_ms = now_ms()
    there = resolve_connection(config, bootstrap_servers, prefix)
    releases = Releases() if configured else read_releases(there, rules.policy_id, at_ms)
    before, release = followed(releases, rules, at_ms)
    if arm:
        rules = before
        before, release = followed(releases, rules, at_ms, arm)
    changes = differences(before, read_policy_file(file, rules, arm).rules)
    if as_json:
        print_json({"in_force": _name(before, release), "changes": _as_json(changes)})
        return
    console.print(f"In force: {_escaped(_in_words(before, release))}")
    _show(changes)


def publish(
    file: File,
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    arm: Arm = "",
    version: Annotated[
        str | None, typer.Option(help="Name of this version in every decision; else the document's own, else the present moment.")
    ] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why it is changed.")] = "",
    effective_at: Annotated[str | None, typer.Option(help="In force from this moment on (ISO 8601, UTC); else at once.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but write.")] = False,
    as_json: Json = False,
) -> None:
    """Check a file, show what it changes, and write it to the knowledge topic, where running jobs take it from.

    A policy with a mistake is not written. Should one get onto the topic another way, jobs refuse it with a dead letter and go on as before.
    """
    from kairos.cli.arguments import moment_option
    from kairos.console import done, print_json, warn
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.errors import USAGE_ERROR, KairosError
    from kairos.policy import topic
    from kairos.policy.difference import differences
    from kairos.policy.document import read_policy_file
    from kairos.policy.release import followed, idle_arms, make_release, moment_in_words, now_ms, require_arm

    settings = read_config(config)
    at_ms = now_ms()
    effective_at_ms = moment_option("--effective-at", effective_at)
    base = settings.policy
    if not arm:
        read_policy_file(file, base)  # a mistake is told before brokers are asked
    there = resolve_connection(config, bootstrap_servers, prefix)
    releases = topic.read_releases(there, base.policy_id, at_ms)
    before, in_force = followed(releases, base, at_ms)
    if arm:
        base = before
        require_arm(base, arm)
        before, in_force = followed(releases, base, at_ms, arm)
    policy_file = read_policy_file(file, base, arm)
    release = make_release(
        policy_file,
        releases,
        arm=arm,
        version=version,
        comment=comment,
        effective_at_ms=effective_at_ms,
        made_at_ms=at_ms,
        most_future_ms=settings.limits.max_future_ms,
    )
    idle = idle_arms(base if arm else policy_file.rules, releases, at_ms, release)
    if release.key in idle:
        raise KairosError(
            f"The arm does not go with the policy in force: {idle[release.key]}.", "Change one of them.", exit_code=USAGE_ERROR
        )
    changes = differences(before, policy_file.rules)
    place = None if dry_run else topic.publish(there, release)
    if as_json:
        print_json(
            {
                "policy_id": release.policy_id,
                "arm": release.arm,
                "version": release.version,
                "made_at_ms": release.made_at_ms,
                "effective_at_ms": release.effective_at_ms,
                "comment": release.comment,
                "before": _name(before, in_force),
                "changes": _as_json(changes),
                "written": place and {"topic": place.topic, "partition": place.partition, "offset": place.offset},
            }
        )
        return
    _show(changes)
    later = (effective_at_ms or 0) > at_ms
    when = f"in force from {moment_in_words(effective_at_ms or 0)} on" if later else "in force at once"
    where = f"{place.topic}, partition {place.partition}, offset {place.offset}" if place else "nowhere: --dry-run"
    what = f"{release.policy_id}, arm {arm}," if arm else release.policy_id
    done(f"{what} version {release.version}, {when}, written to {where}")
    for key, problem in idle.items():
        warn(f"{key} is no longer followed: {problem}", "Its users follow the policy of all others until it is released anew.")
    if later and in_force is not None:
        warn(
            f"Version {in_force.version} is followed until then by running jobs.",
            "Kafka keeps one record of a key: a job that is started without a savepoint before then follows its configured policy.",
        )


def withdraw(config: Config = None, bootstrap_servers: Servers = None, prefix: Prefix = None, arm: Arm = "", as_json: Json = False) -> None:
    """Take back what was released: running jobs go back to the policy they were configured with, the users of an arm to that of all others."""
    from flink_job.codec.knowledge import policy_key
    from kairos.console import done, print_json
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.policy import topic

    key = policy_key(read_config(config).policy.policy_id, arm)
    place = topic.withdraw(resolve_connection(config, bootstrap_servers, prefix), key)
    if as_json:
        print_json({"key": key, "written": {"topic": place.topic, "partition": place.partition, "offset": place.offset}})
    else:
        done(f"{key} withdrawn; jobs follow {'the policy of all others' if arm else 'the policy they were configured with'}")


def _show(changes: "list[Difference]") -> None:
    from rich.table import Table

    from kairos.console import console
    from kairos.policy.difference import value_in_words

    if not changes:
        console.print("It changes nothing.")
        return
    table = Table("setting", "in force", "new", box=None, pad_edge=False)
    for change in changes:
        words = [value_in_words(change.setting, value) for value in (change.before, change.after)]
        table.add_row(change.setting, *(_escaped(each) for each in words))
    console.print(table)


def _as_json(changes: "list[Difference]") -> list[dict[str, Any]]:
    return [{"setting": change.setting, "before": change.before, "after": change.after} for change in changes]


def _name(rules: "Rules", release: "PolicyRelease | None") -> dict[str, Any]:
    return {"policy_id": rules.policy_id, "version": rules.version, "released": release is not None}


def _in_words(rules: "Rules", release: "PolicyRelease | None") -> str:
    from kairos.policy.release import moment_in_words

    if release is None:
        return f"{rules.policy_id} version {rules.version}, as configured"
    why = f": {release.comment}" if release.comment else ""
    return f"{rules.policy_id} version {rules.version}, released {moment_in_words(release.made_at_ms)}{why}"


def _settings(count: int) -> str:
    return f"{count} setting{'' if count == 1 else 's'}"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
