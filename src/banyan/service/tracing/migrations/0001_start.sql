-- The key of a day of positions ('' of the table of numbers), under two locks: the order's scope and the day's own.
-- Owner: keeping.py.
CREATE TABLE day_key (
  day TEXT NOT NULL,
  order_id TEXT NOT NULL,
  sealed {bytes} NOT NULL,
  PRIMARY KEY (day, order_id)
);

-- A request to trace. `contacts` is exact and told to nobody under the least; `shown` what is told of it (JSON); `key`
-- opens the sealed file of its results, itself sealed in the order's scope. Owner: records.py.
CREATE TABLE request (
  id TEXT NOT NULL PRIMARY KEY,
  question TEXT NOT NULL,
  at {real} NOT NULL,
  day {int} NOT NULL,
  officer TEXT NOT NULL,
  agency TEXT NOT NULL,
  order_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  contacts {int} NOT NULL,
  shown TEXT NOT NULL,
  key {bytes} NOT NULL,
  noted {int} NOT NULL,
  told {int} NOT NULL,
  second_officer TEXT NOT NULL,
  second_agency TEXT NOT NULL,
  released_at {real} NOT NULL
);
CREATE INDEX request_question ON request (order_id, question);
CREATE INDEX request_at ON request (at);
