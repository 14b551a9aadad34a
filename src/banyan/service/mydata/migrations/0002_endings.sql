-- Consents that their givers ended: by when the recipient must have deleted what it read, and when it said that it had.
CREATE TABLE ending (
  consent TEXT NOT NULL PRIMARY KEY,
  recipient TEXT NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  at {real} NOT NULL,
  delete_by {real} NOT NULL,
  deleted_at {real}
);
CREATE INDEX ending_open ON ending (recipient, delete_by);
