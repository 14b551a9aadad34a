-- Messages of warnings that this operator was asked to say. `state` is waiting (whom to tell is being looked up), given
-- (all of them are with the notifier) or stopped; `document` is kept until it was given. Owner: areasms.sql.
CREATE TABLE message (
  id TEXT NOT NULL PRIMARY KEY,
  sender TEXT NOT NULL,
  identifier TEXT NOT NULL,
  member TEXT NOT NULL,
  basis TEXT NOT NULL,
  digest TEXT NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  at {real} NOT NULL,
  ends {real} NOT NULL,
  document {bytes} NOT NULL
);
CREATE INDEX message_ends ON message (ends);

-- Messages that a later one replaced or cancelled, also those that never came here. Owner: areasms.sql.
CREATE TABLE ended (
  id TEXT NOT NULL PRIMARY KEY,
  by_id TEXT NOT NULL,
  at {real} NOT NULL
);
CREATE INDEX ended_at ON ended (at);
