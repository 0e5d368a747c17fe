-- Version 2. Times are milliseconds since the epoch.

CREATE TABLE IF NOT EXISTS gateways (
  gateway TEXT PRIMARY KEY,
  alive_until_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- One row for each command: who delivers it, and what became of it. outcome is NULL until that is known.
CREATE TABLE IF NOT EXISTS commands (
  command_id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  gateway TEXT NOT NULL,
  origin TEXT NOT NULL,             -- topic/partition/offset of the record it was read from first
  outcome INTEGER,
  report BLOB,                      -- kairos.v1.Feedback
  keep_until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS commands_by_end ON commands (keep_until_ms);

-- Of a command that goes to several devices: those that are done.
CREATE TABLE IF NOT EXISTS routes (
  command_id TEXT NOT NULL,
  route TEXT NOT NULL,
  PRIMARY KEY (command_id, route)
) WITHOUT ROWID;

-- Commands whose moment has not come. gateway: who has begun with it; empty: nobody.
CREATE TABLE IF NOT EXISTS deferred (
  command_id TEXT NOT NULL,
  origin TEXT NOT NULL,             -- topic/partition/offset of its record
  user_id TEXT NOT NULL,
  due_ms INTEGER NOT NULL,
  record BLOB NOT NULL,             -- kairos.v1.PushCommand
  gateway TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (command_id, origin)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deferred_by_moment ON deferred (due_ms, length(origin), origin);
CREATE INDEX IF NOT EXISTS deferred_by_user ON deferred (user_id);

CREATE TABLE IF NOT EXISTS stream (
  stream_id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL,
  command_id TEXT NOT NULL UNIQUE,
  payload TEXT NOT NULL,
  collapse_key TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  gateway TEXT NOT NULL,
  sent INTEGER NOT NULL,            -- 1: it was written to some connection
  acknowledged_at_ms INTEGER
);
CREATE INDEX IF NOT EXISTS stream_by_user ON stream (user_id, stream_id);
CREATE INDEX IF NOT EXISTS stream_by_end ON stream (expires_at_ms);

CREATE TABLE IF NOT EXISTS cursors (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  stream_id INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

-- until_ms NULL: connected, as long as the gateway lives.
CREATE TABLE IF NOT EXISTS presence (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  gateway TEXT NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY (user_id, device_id, gateway)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS devices (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  channel INTEGER NOT NULL,
  address BLOB NOT NULL,            -- kairos.v1.Target
  at_ms INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0,
  address_id TEXT NOT NULL DEFAULT '', -- tells the address apart from all others, if it is one device's alone; since version 2
  PRIMARY KEY (user_id, device_id, channel)
) WITHOUT ROWID;
