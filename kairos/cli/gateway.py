"""``kairos gateway``: the delivery of pushes to devices."""

from pathlib import Path
from typing import Annotated

import typer

_SWITCH_S = 0.0002
"""The store's thread gives the interpreter away with every statement, and by default would wait 5 ms to get it back from a busy loop."""

_COLLECT_AFTER = (50_000, 20, 100)
"""Objects of ten thousand connections stay: looking through all of them for garbage halts the loop, and is done a hundredth as often."""


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("gateway")(gateway)


def gateway(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the edge, laid over the defaults.")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="For trying out: the tokens of `kairos token USER --dev` hold, as at the collector.")
    ] = False,
) -> None:
    """Deliver pushes: WebSocket, Server-Sent Events, webhook, Web Push, FCM, APNs; and tell the job what became of them.

    Several gateways with one delivery.source.group_id share the work. Ends with SIGTERM or Ctrl-C, when what is under way is done.
    docs/gateway.md says what is promised, and how a page or an app connects.

    Examples:
      kairos gateway --dev
      KAIROS_TOKEN_SECRETS=k1:$(openssl rand -hex 32) kairos gateway
    """
    import asyncio
    import gc
    import sys

    import uvloop

    from gateway.common.development import environment
    from gateway.common.settings import load_settings
    from gateway.delivery.serve import serve
    from gateway.delivery.settings import DeliverySettings

    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(*_COLLECT_AFTER)
    settings = load_settings(DeliverySettings, "delivery", config, environment(dev=dev))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, config, bootstrap_servers, prefix))
