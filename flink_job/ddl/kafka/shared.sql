-- What every user's decision reads: the catalogue and the knowledge. Always from the start; both topics are compacted.
CREATE TABLE shared (
  topic STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  written_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  k STRING,
  v BYTES
) WITH (
  'connector' = 'kafka',
  'topic' = '${items};${knowledge}',
  'properties.bootstrap.servers' = '${bootstrap_servers}',
  'properties.group.id' = '${group_id}-shared',
  'properties.isolation.level' = 'read_committed',
  ${properties}
  'scan.startup.mode' = 'earliest-offset',
  'key.format' = 'raw',
  'key.fields' = 'k',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
