"""``kairos experiment``: what the arms of an experiment did to their users."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kairos.cli.topics import Config, Json, Prefix, Servers

if TYPE_CHECKING:
    from flink_job.core.rules import Rules
    from kairos.experiments.report import LayerReport

_HELP = """
Experiments: arms that follow different policies, compared with each other (docs/experiments.md).

  kairos policy publish layers.yaml                       names the layer, its arms and their shares
  kairos policy publish early.yaml --arm timing/early     begins the experiment
  kairos experiment report                                what it shows so far, as often as one likes
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    experiment = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help=_HELP)
    experiment.callback()(_group)
    experiment.command("report")(report)
    app.add_typer(experiment, name="experiment", short_help="Compare the arms of experiments.")


def _group() -> None:
    """One command is a group as well."""


def report(
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    layer: Annotated[str | None, typer.Option(help="Only this layer.")] = None,
    control: Annotated[str | None, typer.Option(help="The arm to compare with; else `control`, else the first by name.")] = None,
    window: Annotated[
        str, typer.Option(help="How long after a user's first exposure counts, and how long before is compared with.")
    ] = "3d",
    since: Annotated[str | None, typer.Option(help="Exposures before this moment do not count (ISO 8601, UTC).")] = None,
    alpha: Annotated[float, typer.Option(min=1e-6, max=0.5, help="Probability that an interval ever misses the truth.")] = 0.05,
    tightest_at: Annotated[
        int, typer.Option(min=100, help="Users of two arms at which intervals are tightest. Choose it once, before looking.")
    ] = 10_000,
    decisions: Annotated[
        Path | None, typer.Option(help="JSON lines of kairos.v1.Decision, instead of the topic; no Kafka is needed.")
    ] = None,
    feedback: Annotated[Path | None, typer.Option(help="JSON lines of kairos.v1.Signal, with --decisions.")] = None,
    interactions: Annotated[Path | None, typer.Option(help="JSON lines of kairos.v1.Signal, with --decisions.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (PNG) of the lifts over time; needs matplotlib.")] = None,
    as_json: Json = False,
) -> None:
    """Print what each arm did: pushes, opens, conversions, value and opt-outs per exposed user, against the control.

    Users that were exposed to a difference count, those who got no push included, once their window is over. Intervals are valid whenever and
    however often one looks. What users did before their exposure is used to make them narrower (CUPED). Exit code 1 if the arms are not as
    large as they were drawn: then something other than the draw decided, and the rest is not to be read.
    """
    from importlib.util import find_spec

    from kairos.cli.arguments import duration_option, moment_option, usage_error
    from kairos.console import console, done, print_json, warn
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.errors import KairosError
    from kairos.experiments.report import Settings, layer_report
    from kairos.experiments.show import as_json as plain
    from kairos.experiments.show import plot as draw
    from kairos.experiments.sources import from_files, from_topics
    from kairos.policy.release import followed, now_ms
    from kairos.policy.topic import read_releases

    if decisions is None and (feedback or interactions):
        raise usage_error("--feedback and --interactions go with --decisions.", "Give all files, or none to read the topics.")
    settings = Settings(duration_option("--window", window) or 1, alpha, tightest_at)
    since_ms = moment_option("--since", since) or 0
    rules = read_config(config).policy
    if decisions:
        journal = from_files(decisions, feedback, interactions, since_ms)
        until_ms = journal.latest_ms
    else:
        there = resolve_connection(config, bootstrap_servers, prefix)
        until_ms = now_ms()
        rules, _ = followed(read_releases(there, rules.policy_id, until_ms), rules, until_ms)
        journal = from_topics(there, since_ms)
    names = [layer] if layer else sorted(journal.layers)
    if layer and layer not in journal.layers:
        raise usage_error(f"Nobody was exposed to a layer {layer}.", f"There are {', '.join(sorted(journal.layers)) or 'none'}.")
    reports = [
        layer_report(
            journal,
            name,
            settings,
            shares=_shares(rules, name),
            control=_control(journal.layers[name].arm.values(), control),
            until_ms=until_ms,
        )
        for name in names
    ]
    if plot and any(each.comparisons for each in reports):
        if find_spec("matplotlib") is None:
            raise KairosError(
                "--plot needs matplotlib.", "It comes with the development requirements: pip install -r requirements/dev.txt."
            )
        draw(reports, plot, alpha)
    if as_json:
        print_json([plain(each) for each in reports])
    else:
        _print(reports, alpha)
        if not reports:
            console.print("Nobody was exposed to arms that differ.")
        if journal.malformed:
            warn(f"{journal.malformed:,} records are no such message and were passed over")
        if plot and any(each.comparisons for each in reports):
            done(f"{plot} written")
    if any(each.ratio and each.ratio.is_off for each in reports):
        raise typer.Exit(1)


def _print(reports: "list[LayerReport]", alpha: float) -> None:
    from kairos.console import console
    from kairos.experiments.show import head, table

    for each in reports:
        for line in head(each):
            console.print(line, markup=False, style="bold red" if "OFF" in line else None)
        if each.comparisons:
            console.print(table(each, alpha))
        console.print()


def _shares(rules: "Rules", layer: str) -> "dict[str, float] | None":
    drawn = rules.experiments.get(layer)
    return dict(drawn.arms) if drawn else None


def _control(arms: Iterable[str], control: str | None) -> str | None:
    """A layer that lacks the arm that was asked for has a control of its own."""
    return control if control in set(arms) else None
