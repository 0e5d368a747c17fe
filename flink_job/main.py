"""Entry point of the job, on a cluster (`flink run -pym flink_job.main`) and on this machine (`--local`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from flink_job.config import ConfigError, load_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Submit the job, or run it here until it ends. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config)
        # Only now: importing Flink takes seconds and a JVM, and a wrong configuration should not cost them.
        from flink_job.submit import run_here, submit

        if options.local:
            run_here(config, jars=options.jar, savepoint=options.from_savepoint, options=dict(options.set))
        else:
            submit(config)
    except ConfigError as error:
        print(f"kairos: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flink_job.main", description="The Kairos decision job.")
    parser.add_argument("--config", metavar="FILE", help="YAML laid over the defaults")
    parser.add_argument("--local", action="store_true", help="run on a cluster inside this process")
    parser.add_argument("--jar", action="append", default=[], metavar="URL", help="connector jar, with --local (may be repeated)")
    parser.add_argument(
        "--set", action="append", default=[], type=_pair, metavar="KEY=VALUE", help="Flink option, with --local (may be repeated)"
    )
    parser.add_argument("--from-savepoint", metavar="PATH", help="with --local: resume from this savepoint")
    return parser


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
