"""The job's graph. It reads like the picture in the architecture:

    signals ──► keyBy(user) ─► USER operator ─┬► outputs (pushes, decisions, item-signals, knowledge, nudges, dead-letters)
    shared  ──► broadcast ────────┘           │
    lessons ──► keyBy(item) ─► ITEM operator ─┘

Keys are extracted, and records routed, in the JVM: a Python `key_by` or side output would cost more than the decision. The operators meet on topics
alone, so `job.parts` may run them as one job or as two. The model operator will be one more branch of this shape.
"""

from __future__ import annotations

from pyflink.common import Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

from flink_job.config import Config
from flink_job.connectors import TABLES, table_ddl
from flink_job.core.learning.signals import ITEM
from flink_job.item_operator import ItemOperator
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
    """Add the parts of the job that `job.parts` names to `env`."""
    tables = StreamTableEnvironment.create(env)
    branches = {"decide": _decide, "learn": _learn}
    parts = sorted(set(config.job.parts))
    for part in parts:
        tables.create_temporary_view(f"{part}_said", branches[part](tables, config, settings))
    tables.execute_sql(table_ddl(config, "outputs"))
    statements = tables.create_statement_set()
    said = " UNION ALL ".join(f"SELECT topic, k, v FROM {part}_said" for part in parts)
    statements.add_insert_sql(f"INSERT INTO outputs {said}")
    statements.attach_as_datastream()
    _set_uids(env)


def _decide(tables: StreamTableEnvironment, config: Config, settings: EngineSettings) -> DataStream:
    """The user operator over everything that is keyed by user."""
    for table in ("signals", "shared"):
        tables.execute_sql(table_ddl(config, table))
    # The key travels twice: asking Flink for the current key costs Python more than a second text in the row.
    keyed = f"(SELECT COALESCE(k, {_NO_KEY}) AS user_id, v, {_ORIGIN} AS origin FROM signals)"
    signals = _keyed(tables.sql_query(f"SELECT user_id, ROW(user_id, v, origin) AS signal FROM {keyed}"), tables)
    shared = _stream(tables.sql_query(f"SELECT k, v, {_ORIGIN} AS origin FROM shared"), tables, _SHARED)
    return (
        signals.connect(shared.broadcast(catalogue_descriptor()))
        .process(UserOperator(settings, native_ttl=config.job.execution_mode == "thread"), _OUTPUT)
        .name("decide")
        .uid("decide")
    )


def _learn(tables: StreamTableEnvironment, config: Config, settings: EngineSettings) -> DataStream:
    """The item operator over item signals, each once for every key it names, and over the items' own records."""
    tables.execute_sql(table_ddl(config, "lessons"))
    told = f"COALESCE(k, {_NO_KEY})"
    keys = f"CASE WHEN topic = '{settings.items_topic}' THEN CONCAT('{ITEM}', {told}) ELSE {told} END"
    named = f"(SELECT SPLIT({keys}, U&'\\000A') AS learners, v, {_ORIGIN} AS origin FROM lessons)"
    query = f"SELECT learner, ROW(learner, v, origin) AS lesson FROM {named} CROSS JOIN UNNEST(learners) AS t (learner)"
    lessons = _keyed(tables.sql_query(query), tables)
    operator = ItemOperator(settings, native_ttl=config.job.execution_mode == "thread")
    return lessons.process(operator, _OUTPUT).name("learn").uid("learn")


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
