"""``kairos policy price``: what a push costs a running job beside its risks."""

from typing import Annotated

import typer

from kairos.cli.topics import Config, Json, Prefix, Servers


def price(
    value: Annotated[
        float | None, typer.Argument(metavar="PRICE", help="In units of utility (an ordinary conversion is 1), 0 or more; else: show it.")
    ] = None,
    config: Config = None,
    bootstrap_servers: Servers = None,
    prefix: Prefix = None,
    valid_for: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="Such as 6h; then pushes cost nothing again.")] = None,
    as_json: Json = False,
) -> None:
    """Tell running jobs what every push costs from now on, or show what it costs at present.

    It is subtracted from the utility of every push, of all policies and arms alike; 0 takes it back. Policies with utility.enabled: false do
    not look at it (docs/policy.md).
    """
    from kairos.cli.arguments import duration_option, usage_error
    from kairos.console import console, done, print_json
    from kairos.contract.connection import read_config, resolve_connection
    from kairos.policy.price import make_price, price_in_force, publish_price, read_price
    from kairos.policy.release import moment_in_words, now_ms

    valid_for_ms = duration_option("--for", valid_for)
    if value is None and valid_for_ms is not None:
        raise usage_error("--for says how long a price holds, but there is no price.", "Write it like: kairos policy price 0.002 --for 6h")
    if value is not None and not 0.0 <= value < float("inf"):
        raise usage_error(f"A push cannot cost {value}.", "Give a number that is not negative; 0 takes the price back.")
    settings = read_config(config)
    there = resolve_connection(config, bootstrap_servers, prefix)
    at_ms = now_ms()
    newest = read_price(there)
    before = price_in_force(newest, at_ms)
    if value is None:
        until = f" until {moment_in_words(newest.valid_until_ms)}" if before and newest and newest.valid_until_ms else ""
        if as_json:
            print_json({"price": before, "valid_until_ms": newest.valid_until_ms if before and newest else 0})
        else:
            console.print(f"A push costs {before:g}{until}.")
        return
    made = make_price(value, at_ms + valid_for_ms if valid_for_ms else 0, newest, at_ms, settings.limits.max_future_ms)
    place = publish_price(there, made)
    if as_json:
        print_json(
            {
                "before": before,
                "price": made.price,
                "made_at_ms": made.made_at_ms,
                "valid_until_ms": made.valid_until_ms,
                "written": {"topic": place.topic, "partition": place.partition, "offset": place.offset},
            }
        )
        return
    until = f"until {moment_in_words(made.valid_until_ms)}" if made.valid_until_ms else "until another price is told"
    done(f"A push costs {made.price:g} (before: {before:g}) {until}, written to {place.topic}, partition {place.partition}")
