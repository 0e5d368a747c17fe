"""Hands the job to Flink."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyflink.datastream import StreamExecutionEnvironment

from flink_job.config import Config
from flink_job.flink_settings import flink_configuration, local_configuration
from flink_job.settings import engine_settings
from flink_job.shared_ends import read_shared_ends
from flink_job.topology import build


def submit(config: Config) -> None:
    """Submit to the cluster that `flink run` chose, and return: the client must end for `flink run -d` to do so."""
    env = StreamExecutionEnvironment.get_execution_environment(flink_configuration(config))
    build(env, config, engine_settings(config, read_shared_ends(config)))
    env.execute_async(config.job.name)


def run_here(config: Config, jars: list[str], savepoint: str | None, options: Mapping[str, str]) -> None:
    """Run on a cluster inside this process until the job ends. `options`: Flink's own, such as `rest.port`; they win."""
    # The interpreter inside the JVM knows no virtual environment: it finds packages where this process does.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    flink = local_configuration(flink_configuration(config), jars)
    for key, value in options.items():
        flink.set_string(key, value)
    if savepoint:
        flink.set_string("execution.state-recovery.path", savepoint)
    env = StreamExecutionEnvironment.get_execution_environment(flink)
    build(env, config, engine_settings(config, read_shared_ends(config)))
    env.execute(config.job.name)
