-- Legal bases as registered; an older version stays readable under its hash.
create table basis (id text not null primary key, version text not null, document {bytes} not null);
create table basis_version (version text not null primary key, id text not null, document {bytes} not null, at {real} not null);

-- Orders and the reviews that their uses opened.
create table power (id text not null primary key, document {bytes} not null, until {real} not null);
create table review (use_idx {int} not null primary key, power text not null, agency text not null, due {real} not null,
  is_open {int} not null, document {bytes} not null);
create index review_open on review (is_open, agency, due);

-- What providers offer, what recipients want, how much fair use allows.
create table declaration (id text not null primary key, document {bytes} not null);
create table purpose (id text not null primary key, recipient text not null, document {bytes} not null);
create table cap (purpose text not null primary key, document {bytes} not null);

-- Consents by their subject's pseudonym.
create table consent (id text not null primary key, subject text not null, recipient text not null, purpose text not null,
  code text not null, document {bytes} not null);
create index consent_of on consent (subject, recipient, code);

-- Who stopped the secondary use of their data, of which operations ('*': all).
create table opt_out (subject text not null, operation text not null, at {real} not null, primary key (subject, operation));

-- How often a recipient read a subject on a day, for bases that bound it.
create table use_count (subject text not null, recipient text not null, operation text not null, day {int} not null,
  uses {int} not null, primary key (subject, recipient, operation, day));
