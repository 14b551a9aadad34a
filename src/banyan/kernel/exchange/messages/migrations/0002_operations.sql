-- Calls for operational monitoring, those of one drain together: `calls` is their MessagePack, `through` how many there
-- were up to the last of them. `noted` in whole epoch seconds.
create table operations (
  id {id},
  noted {int} not null,
  through {int} not null,
  calls {bytes} not null
);

create index operations_noted on operations (noted);
