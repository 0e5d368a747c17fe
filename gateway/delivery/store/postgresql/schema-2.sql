-- Version 2.

-- Commands whose moment has not come. gateway: who has begun with it; empty: nobody.
CREATE TABLE deferred (
  command_id text COLLATE "C" NOT NULL,
  origin text COLLATE "C" NOT NULL, -- topic/partition/offset of its record
  user_id text COLLATE "C" NOT NULL,
  due_ms bigint NOT NULL,
  record bytea NOT NULL,            -- kairos.v1.PushCommand
  gateway text COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (command_id, origin)
) WITH (fillfactor = 70);
CREATE INDEX deferred_by_moment ON deferred (due_ms, length(origin), origin);
CREATE INDEX deferred_by_user ON deferred (user_id);
