-- What is keyed by user: interactions, feedback, nudges. One consumer reads the three topics.
-- A null key becomes a text that no user id can be, spread by offset: Python makes a dead letter of it.
CREATE TABLE signals (
  topic STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  written_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  k STRING,
  v BYTES
) WITH (
  'connector' = 'kafka',
  'topic' = '${interactions};${feedback};${nudges}',
  'properties.bootstrap.servers' = '${bootstrap_servers}',
  'properties.group.id' = '${group_id}',
  'properties.auto.offset.reset' = '${offset_reset}',
  'properties.isolation.level' = 'read_committed',
  'properties.fetch.min.bytes' = '1',
  'properties.fetch.max.wait.ms' = '${fetch_max_wait_ms}',
  ${properties}
  'scan.startup.mode' = '${startup_mode}',
  'key.format' = 'raw',
  'key.fields' = 'k',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
