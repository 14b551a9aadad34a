-- Warnings of other authorities that were judged good, as their feeds gave them: `document` is the alert as JSON, `seal`
-- what its signature was worth. Owner: others.sql.
CREATE TABLE other (
  source TEXT NOT NULL,
  sender TEXT NOT NULL,
  identifier TEXT NOT NULL,
  sent {int} NOT NULL,
  ends {int} NOT NULL,
  seal TEXT NOT NULL,
  document {bytes} NOT NULL,
  PRIMARY KEY (source, sender, identifier, sent)
);
CREATE INDEX other_sent ON other (source, sent);

-- How far each feed was read: `state` are its marks, `told` how the last round went, both JSON. Owner: others.sql.
CREATE TABLE followed (
  source TEXT NOT NULL PRIMARY KEY,
  state {bytes} NOT NULL,
  told {bytes} NOT NULL
);
