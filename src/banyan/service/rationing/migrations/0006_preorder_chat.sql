-- Chats that people linked to be reminded there: sealed in the round's scope, deleted when the order ends. `done` and
-- `waits` as those of preorder_phone. Owner: preorder/chats.sql.
CREATE TABLE preorder_chat (
  preorder TEXT NOT NULL PRIMARY KEY,
  round TEXT NOT NULL,
  sealed {bytes} NOT NULL,
  lang TEXT NOT NULL,
  done {int} NOT NULL,
  waits {int} NOT NULL
);
CREATE INDEX preorder_chat_waits ON preorder_chat (round) WHERE waits = 1;

-- A code that links a chat, until it is used or over: its keyed digest.
CREATE TABLE preorder_chat_code (
  preorder TEXT NOT NULL PRIMARY KEY,
  round TEXT NOT NULL,
  digest {bytes} NOT NULL UNIQUE,
  until {real} NOT NULL
);
