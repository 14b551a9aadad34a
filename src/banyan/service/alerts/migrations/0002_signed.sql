-- CAP documents as they went out, signed once: neither words nor signature change afterwards. Owner: alerts.sql.
CREATE TABLE signed (
  alert TEXT NOT NULL,
  version {int} NOT NULL,
  sender TEXT NOT NULL,
  document {bytes} NOT NULL,
  PRIMARY KEY (alert, version)
);
