-- One sealed record a person; `scope` says under which of the node's keys. `subject` is the person's pseudonym here.
create table record (scope text not null, subject {bytes} not null, sealed {bytes} not null, primary key (scope, subject));
