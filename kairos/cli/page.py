"""``kairos page``: the page of the demo."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("page")(page)


def page(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the edge, laid over the defaults.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the configuration's.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of the configuration's; 0 takes a free one.")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")] = None,
    dev: Annotated[bool, typer.Option("--dev", help="For trying out: the keys that `kairos collector --dev` has made.")] = False,
) -> None:
    """Show Kairos in a browser: a shop with news and social corners, its pushes, and what it believes about the one who looks.

    It needs the job, a collector and a gateway; `kairos demo` starts them all. Whoever reaches it may be any of its people: not for the public.

    Example:
      kairos page --dev          http://127.0.0.1:8090
    """
    from gateway.common.development import environment
    from gateway.common.settings import load_settings
    from gateway.page.server import serve
    from gateway.page.settings import PageSettings

    settings = load_settings(PageSettings, "page", config, environment(dev=dev))
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"page": settings.page.model_copy(update=given)})
    serve(settings, config, bootstrap_servers, prefix)
