-- Somebody's chat: `contact` is a keyed name of the chat's person, the address is sealed as the case is. Owner: fence.sql.
CREATE TABLE chat (
  held TEXT NOT NULL PRIMARY KEY,
  contact TEXT NOT NULL,
  address {bytes} NOT NULL,
  lang TEXT NOT NULL,
  at {real} NOT NULL
);
CREATE INDEX chat_contact ON chat (contact);

-- The code that she sends from her chat, once. Owner: fence.sql.
CREATE TABLE chat_code (
  held TEXT NOT NULL PRIMARY KEY,
  digest {bytes} NOT NULL,
  until {real} NOT NULL
);
CREATE INDEX chat_code_digest ON chat_code (digest);
