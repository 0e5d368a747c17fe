"""``kairos collector`` and ``kairos token``: events in by HTTP, and tokens for those who send them from a browser."""

import sys
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the edge, laid over the defaults.")]
Dev = Annotated[bool, typer.Option("--dev", help="For trying out: keys are made once and kept in .kairos/edge, any page may send.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("collector")(collector)
    app.command("token")(token)


def collector(
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the configuration's.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of the configuration's; 0 takes a free one.")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")] = None,
    dev: Dev = False,
) -> None:
    """Take events, items, feedback and facts about users by HTTP, and write them to Kafka.

    An answer comes when Kafka has what was sent. Ends with Ctrl-C or SIGTERM, after the requests that have begun.

    Examples:
      kairos collector --dev
      KAIROS_API_KEYS=shop:... kairos collector --config edge.yaml --host 0.0.0.0

    docs/collector.md explains the interface, http://HOST:PORT/docs tries it out.
    """
    from gateway.collector.server import serve
    from gateway.collector.settings import CollectorSettings
    from gateway.common.development import environment
    from gateway.common.settings import load_settings

    settings = load_settings(CollectorSettings, "collector", config, environment(dev=dev))
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"collector": settings.collector.model_copy(update=given)})
    if dev:
        _tell(settings.collector.host, settings.collector.port)
    serve(settings, config, bootstrap_servers, prefix)


def token(
    user: Annotated[str, typer.Argument(help="User id that the token speaks for.")],
    config: Config = None,
    minutes: Annotated[int, typer.Option(min=1, help="How long it holds.")] = 60,
    dev: Dev = False,
) -> None:
    """Print a user's token, as your server would sign it for its signed-in user.

    Signed with the first of auth.token_secrets (KAIROS_TOKEN_SECRETS), or with the key of --dev.

    Example:
      curl -H "Authorization: Bearer $(kairos token ada --dev)" localhost:8088/v1/events
        -H "Content-Type: application/json" -d '{"type": "INTERACTION_TYPE_VIEW", "itemId": "mug-7"}'
    """
    import time

    from gateway.common.development import environment
    from gateway.common.secrets import named_secrets
    from gateway.common.settings import EdgeSettings, load_settings
    from gateway.common.tokens import issue_token
    from kairos.cli.arguments import usage_error

    auth = load_settings(EdgeSettings, "", config, environment(dev=dev)).auth
    secrets = named_secrets(auth.token_secrets)
    if not secrets:
        raise usage_error(
            "There is no secret to sign with.", f"Set {auth.token_secrets or 'auth.token_secrets'} to KEY_ID:SECRET, or use --dev."
        )
    if minutes * 60 > auth.max_token_lifetime_s:
        raise usage_error(f"--minutes {minutes}: auth.max_token_lifetime_s is {auth.max_token_lifetime_s}.", "Ask for fewer minutes.")
    key_id, secret = next(iter(secrets.items()))
    sys.stdout.write(issue_token(user, key_id, secret, auth.audience, int(time.time()), minutes * 60) + "\n")


def _tell(host: str, port: int) -> None:
    from gateway.common.development import development_key
    from kairos.console import done

    done(f"API key for servers, of this clone: {development_key()}")
    done(f"Try it out: http://{host}:{port}/docs")
