"""A job without Kafka for the test of the cluster: an endless sequence, counted by key in thread mode, printed."""

from counting import Count
from pyflink.common import Configuration, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

NUMBERS = """
CREATE TABLE numbers (n BIGINT) WITH (
    'connector' = 'datagen', 'rows-per-second' = '100',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000'
)
"""


def main() -> None:
    configuration = Configuration()
    configuration.set_string("python.execution-mode", "thread")
    configuration.set_string("execution.checkpointing.interval", "300ms")
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(2)
    tables = StreamTableEnvironment.create(env)
    tables.execute_sql(NUMBERS)
    numbers = tables.to_data_stream(tables.from_path("numbers"))
    users = numbers.map(lambda row: f"user-{row[0] % 4}", output_type=Types.STRING()).uid("users")
    counts = users.key_by(lambda user: user, key_type=Types.STRING()).process(Count(), output_type=Types.STRING())
    counts.uid("counts").print()
    env.execute_async("counting")


if __name__ == "__main__":
    main()
