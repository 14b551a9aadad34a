-- What a word says was told to the persons of the list: the list's digest, empty for a word that tells nobody. Owner:
-- vouching.sql.
ALTER TABLE vouch ADD COLUMN noted TEXT NOT NULL DEFAULT '';

-- A list that was let go elsewhere, for the persons' own lists of uses: sealed in the order's scope. `unknown` is how many
-- of its numbers are nobody's here yet. Owner: noticing.sql.
CREATE TABLE notice (
  order_id TEXT NOT NULL,
  question TEXT NOT NULL,
  digest TEXT NOT NULL,
  agency TEXT NOT NULL,
  at {real} NOT NULL,
  sealed {bytes} NOT NULL,
  unknown {int} NOT NULL,
  PRIMARY KEY (order_id, question, digest)
);
