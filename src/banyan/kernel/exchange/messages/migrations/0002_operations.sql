-- One call for operational monitoring, in X-Road's terms: `record` is its JSON. `noted` in whole epoch seconds, sizes in
-- bytes, `duration` in milliseconds.
create table operation (
  id {id},
  noted {int} not null,
  role text not null,
  client text not null,
  provider text not null,
  service text not null,
  succeeded {int} not null,
  duration {int} not null,
  request_size {int} not null,
  response_size {int} not null,
  record {bytes} not null
);

create index operation_noted on operation (noted);
