-- Telephones that people gave to be reminded by SMS: sealed in the round's scope, deleted when the order ends. `done` is
-- the newest message that was passed on; `waits` is 1 when there may be another. Owner: preorder/preorder.sql.
CREATE TABLE preorder_phone (
  preorder TEXT NOT NULL PRIMARY KEY,
  round TEXT NOT NULL,
  sealed {bytes} NOT NULL,
  lang TEXT NOT NULL,
  done {int} NOT NULL,
  waits {int} NOT NULL
);
CREATE INDEX preorder_phone_waits ON preorder_phone (round) WHERE waits = 1;
