-- Entries that came many at once and are not in tiles yet: up to 256 in one row, as a bundle holds them.
create table pending_bundle (idx {int} not null primary key, entries {bytes} not null);
