-- Agencies by member id: each has one 統一編號, and no two the same.
create table agency (id text not null primary key, ubn text not null, document {bytes} not null, is_closed {int} not null);
create unique index agency_ubn on agency (ubn);

-- Who may act for whom, on which ground, until when. Both are accounts.
create table representation (id text not null primary key, representative text not null, represented text not null,
  is_ended {int} not null, until {real} not null, document {bytes} not null);
create index representation_by on representation (representative);
create index representation_for on representation (represented);

-- What a person says at a counter to be known, as a keyed hash.
create table counter_word (account text not null primary key, hash {bytes} not null);

-- A person who stands at a counter: asked for by one officer, known by their word or by a second officer, then begun.
create table appearance (id text not null primary key, agency text not null, account text not null, state text not null,
  document {bytes} not null, expires {real} not null);
create index appearance_of on appearance (agency, state);
create index appearance_account on appearance (account);

-- Public screens that an officer set up, by the hash of their cookie.
create table kiosk (hash {bytes} not null primary key, agency text not null, expires {real} not null);
