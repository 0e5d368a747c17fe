-- Version 3.

-- Tells an address apart from all others, if it is one device's alone; empty for one that users may share.
ALTER TABLE devices ADD COLUMN address_id text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX devices_by_address ON devices (address_id) WHERE address_id <> '';
