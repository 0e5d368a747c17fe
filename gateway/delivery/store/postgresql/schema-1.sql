-- Version 1. Times are milliseconds since the epoch. Room is left in the pages of what is updated soon after it was written.

CREATE TABLE gateways (
  gateway text COLLATE "C" PRIMARY KEY,
  alive_until_ms bigint NOT NULL
) WITH (fillfactor = 50);

-- The one row whose holder may write; see session.py. number counts who held it, newest_id is the last id of the stream.
CREATE TABLE turn (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  number bigint NOT NULL,
  newest_id bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO turn (number, newest_id) VALUES (0, 0);

-- One row for each command: who delivers it, and what became of it. outcome is NULL until that is known.
CREATE TABLE commands (
  command_id text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  gateway text COLLATE "C" NOT NULL,
  origin text COLLATE "C" NOT NULL, -- topic/partition/offset of the record it was read from first
  outcome integer,
  report bytea,                     -- kairos.v1.Feedback
  keep_until_ms bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX commands_by_end ON commands (keep_until_ms);
CREATE INDEX commands_by_user ON commands (user_id) WHERE user_id <> '';

-- Of a command that goes to several devices: those that are done.
CREATE TABLE routes (
  command_id text COLLATE "C" NOT NULL,
  route bytea NOT NULL              -- UTF-8; an address may be longer than what an index takes
);
CREATE UNIQUE INDEX routes_by_command ON routes (command_id, sha256(route));

CREATE TABLE stream (
  stream_id bigint PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  command_id text COLLATE "C" NOT NULL UNIQUE,
  payload text NOT NULL,
  collapse_key text COLLATE "C" NOT NULL,
  expires_at_ms bigint NOT NULL,
  gateway text COLLATE "C" NOT NULL,
  sent boolean NOT NULL,            -- it was written to some connection
  acknowledged_at_ms bigint
) WITH (fillfactor = 70);
CREATE INDEX stream_by_user ON stream (user_id, stream_id);
CREATE INDEX stream_by_end ON stream (expires_at_ms);

CREATE TABLE cursors (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  stream_id bigint NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (user_id, device_id)
) WITH (fillfactor = 70);

-- until_ms NULL: connected, as long as the gateway lives.
CREATE TABLE presence (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  gateway text COLLATE "C" NOT NULL,
  until_ms bigint,
  PRIMARY KEY (user_id, device_id, gateway)
) WITH (fillfactor = 70);
CREATE INDEX presence_by_gateway ON presence (gateway);
CREATE INDEX presence_by_end ON presence (until_ms) WHERE until_ms IS NOT NULL;

CREATE TABLE devices (
  user_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  channel integer NOT NULL,
  address bytea NOT NULL,           -- kairos.v1.Target
  at_ms bigint NOT NULL,
  retired boolean NOT NULL DEFAULT false,
  PRIMARY KEY (user_id, device_id, channel)
) WITH (fillfactor = 70);
