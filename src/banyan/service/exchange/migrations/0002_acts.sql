-- What officers did with grants, at this gateway and at the others of their member, in the order it came to be known
-- here: only ever added. `granted` is what follows from them. Owner: exchange.sql.
CREATE TABLE acts (
  place {id},
  name TEXT NOT NULL UNIQUE,
  member TEXT NOT NULL,
  client TEXT NOT NULL,
  service TEXT NOT NULL,
  grant_id TEXT NOT NULL,
  is_end {int} NOT NULL,
  kept_at {real} NOT NULL,
  sealed {bytes} NOT NULL
);
CREATE INDEX acts_of ON acts (member, place);
CREATE INDEX acts_between ON acts (client, service);

-- Up to which place another gateway of a member has all of them, in which run of it.
CREATE TABLE heard (
  member TEXT NOT NULL,
  server TEXT NOT NULL,
  epoch TEXT NOT NULL,
  place {int} NOT NULL,
  PRIMARY KEY (member, server)
);
