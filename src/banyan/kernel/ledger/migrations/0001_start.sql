-- One row: the next entry's index, how many entries stand in tiles, how far the map of subjects has come, and the
-- checkpoint that was published last.
create table log_head (
  one {int} not null primary key check (one = 1),
  next_idx {int} not null,
  tiled {int} not null,
  mapped {int} not null,
  published {int} not null,
  checkpoint {bytes}
);
insert into log_head (one, next_idx, tiled, mapped, published) values (1, 0, 0, 0, 0);

-- Entries that are durable here and not in tiles yet.
create table pending (idx {int} not null primary key, entry {bytes} not null);

-- Each use of a person's data: what its entry commits to. `subject` is the person's pseudonym in the ledger.
create table release (
  idx {int} not null primary key,
  subject {bytes} not null,
  position {int} not null,
  at {real} not null,
  reveal_after {real} not null,
  basis text not null,
  receiver text not null,
  salt {bytes} not null,
  record {bytes} not null,
  unique (subject, position)
);

create index release_counted on release (basis, receiver);

-- Checkpoints as they were published, for who wants to see the log grow.
create table checkpoint (size {int} not null primary key, at {int} not null, signed {bytes} not null);

-- How many uses each subject has, and the head of their chain.
create table subject (key {bytes} not null primary key, uses {int} not null, head {bytes} not null);

-- The nodes of the map of subjects; a lone subject has its key, uses and head, an inner node has none.
create table map_node (
  depth {int} not null,
  prefix {bytes} not null,
  hash {bytes} not null,
  key {bytes},
  uses {int} not null default 0,
  head {bytes},
  primary key (depth, prefix)
);

-- Where in the log a root of the map was committed, and how many entries it covers.
create table map_root (idx {int} not null primary key, covers {int} not null, root {bytes} not null);

-- As a witness: the newest checkpoint cosigned of each log.
create table seen_log (origin text not null primary key, size {int} not null, root {bytes} not null);
