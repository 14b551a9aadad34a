-- Grants of this node's members to others, each whole as JSON; the columns are what they are looked up by.
-- Owner: exchange.sql.
CREATE TABLE granted (
  id TEXT NOT NULL PRIMARY KEY,
  client TEXT NOT NULL,
  service TEXT NOT NULL,
  proposed_at {real} NOT NULL,
  whole {bytes} NOT NULL
);
CREATE INDEX granted_of ON granted (client, service);
