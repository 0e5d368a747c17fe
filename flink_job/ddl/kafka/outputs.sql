-- Everything the job says; each record names its topic.
CREATE TABLE outputs (
  topic STRING METADATA,
  k STRING,
  v BYTES
) WITH (
  'connector' = 'kafka',
  'topic' = '${pushes};${decisions};${item_signals};${knowledge};${nudges};${dead_letters}',
  'properties.bootstrap.servers' = '${bootstrap_servers}',
  'properties.linger.ms' = '${linger_ms}',
  'properties.acks' = 'all',
  'properties.transaction.timeout.ms' = '${transaction_timeout_ms}',
  ${properties}
  'sink.delivery-guarantee' = '${delivery}',
  'sink.transactional-id-prefix' = '${transaction_prefix}',
  'key.format' = 'raw',
  'key.fields' = 'k',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
