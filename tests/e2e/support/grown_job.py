"""The job as a later version might be: with one more table read and one more written, which come before its own in the plan."""

import argparse

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from flink_job.config import load_config
from flink_job.flink_settings import flink_configuration
from flink_job.settings import engine_settings
from flink_job.shared_ends import read_shared_ends
from flink_job.topology import build

READ = """
CREATE TABLE more_read (k STRING, v BYTES) WITH (
  'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{servers}', 'scan.startup.mode' = 'earliest-offset',
  'properties.group.id' = 'more', 'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY'
)
"""
WRITTEN = """
CREATE TABLE more_written (k STRING, v BYTES) WITH (
  'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{servers}',
  'key.format' = 'raw', 'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY'
)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    config = load_config(parser.parse_args().config)
    env = StreamExecutionEnvironment.get_execution_environment(flink_configuration(config))
    tables = StreamTableEnvironment.create(env)
    servers = config.kafka.bootstrap_servers
    tables.execute_sql(READ.format(topic=config.topic("decisions"), servers=servers))
    tables.execute_sql(WRITTEN.format(topic=config.topic("knowledge"), servers=servers))
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO more_written SELECT k, v FROM more_read")
    statements.attach_as_datastream()
    build(env, config, engine_settings(config, read_shared_ends(config)))
    env.execute_async(config.job.name)


if __name__ == "__main__":
    main()
