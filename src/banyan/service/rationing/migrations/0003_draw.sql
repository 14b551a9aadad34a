-- Draws: a draw as it stands, and the blobs with its list, its trees and its order. Owner: draw/draw.sql.
CREATE TABLE draw (
  id TEXT NOT NULL PRIMARY KEY,
  created {real} NOT NULL,
  document {bytes} NOT NULL
);

-- Waiting rooms: what stands in front of which operations, and how far a room has come. Owner: waiting/waiting.sql.
CREATE TABLE waiting_room (
  id TEXT NOT NULL PRIMARY KEY,
  document {bytes} NOT NULL
);
