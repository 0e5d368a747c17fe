"""The job's graph. It reads like the picture in the architecture:

    signals ──► keyBy(user) ─► USER operator ─► outputs (pushes, decisions, dead-letters)
    shared  ──► broadcast ────────┘

Keys are extracted, and records routed, in the JVM: a Python `key_by` or side output would cost more than the decision. The item and the model
operator will be two more branches of this shape that meet the user operator on topics alone.
"""

from __future__ import annotations

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

from flink_job.config import Config
from flink_job.connectors import TABLES, table_ddl
from flink_job.settings import EngineSettings
from flink_job.user_operator import UserOperator, catalogue_descriptor

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_SIGNAL = Types.ROW([Types.STRING(), _BYTES, Types.STRING()])
_SHARED = Types.ROW([Types.STRING(), _BYTES, Types.STRING()])
_OUTPUT = Types.ROW_NAMED(["topic", "k", "v"], [Types.STRING(), Types.STRING(), _BYTES])

_ORIGIN = (
    "CONCAT(topic, '/', CAST(`partition` AS STRING), '/', CAST(`offset` AS STRING), '/', "
    "CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), written_at) * CAST(1000 AS BIGINT) + EXTRACT(MILLISECOND FROM written_at) AS STRING))"
)
_NO_KEY = "CONCAT(U&'\\0000', CAST(`partition` AS STRING), '/', CAST(`offset` AS STRING))"


def build(env: StreamExecutionEnvironment, config: Config, settings: EngineSettings) -> None:
    """Add the whole job to `env`."""
    tables = StreamTableEnvironment.create(env)
    for table in TABLES:
        tables.execute_sql(table_ddl(config, table))

    # The key travels twice: asking Flink for the current key costs Python more than a second text in the row.
    keyed = f"(SELECT COALESCE(k, {_NO_KEY}) AS user_id, v, {_ORIGIN} AS origin FROM signals)"
    signals = _keyed(tables.sql_query(f"SELECT user_id, ROW(user_id, v, origin) AS signal FROM {keyed}"), tables)
    shared = _stream(tables.sql_query(f"SELECT k, v, {_ORIGIN} AS origin FROM shared"), tables, _SHARED)
    decided = (
        signals.connect(shared.broadcast(catalogue_descriptor()))
        .process(UserOperator(settings, native_ttl=config.job.execution_mode == "thread"), _OUTPUT)
        .name("decide")
        .uid("decide")
    )
    tables.create_temporary_view("decided", decided)
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO outputs SELECT topic, k, v FROM decided")
    statements.attach_as_datastream()
    _set_uids(env)


def _stream(table: Table, tables: StreamTableEnvironment, row: TypeInformation) -> DataStream:
    """The table as a stream whose type Python operators accept (the planner's own is not)."""
    stream = tables.to_data_stream(table)
    stream._j_data_stream.getTransformation().setOutputType(row.get_java_type_info())
    return stream


def _keyed(table: Table, tables: StreamTableEnvironment) -> KeyedStream:
    """Rows (key, signal), keyed by the first field without a Python hop; the operator receives the second."""
    stream = _stream(table, tables, Types.ROW([Types.STRING(), _SIGNAL]))
    key_type = Types.ROW([Types.STRING()]).get_java_type_info()
    keyed = stream._j_data_stream.keyBy(get_gateway().jvm.KeyByKeySelector(), key_type)
    return KeyedStream(keyed, _SIGNAL, stream)


def _set_uids(env: StreamExecutionEnvironment) -> None:
    """Name sources and sinks after their tables: the planner numbers them, and the numbers change with every table that is added."""
    waiting = list(env._j_stream_execution_environment.getTransformations())
    seen: set[int] = set()
    while waiting:
        transformation = waiting.pop()
        if transformation.getId() in seen:
            continue
        seen.add(transformation.getId())
        kind = transformation.getClass().getSimpleName()
        if kind in ("SourceTransformation", "SinkTransformation"):
            table = next((name for name in TABLES if name in transformation.getName()), None)
            if table is not None:
                transformation.setUid(f"{kind.removesuffix('Transformation').lower()}-{table}")
        waiting.extend(transformation.getInputs())
