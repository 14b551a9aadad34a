-- Entries by a number that names nobody: what an event may say. Owner: records.sql.
create table entry (id {id}, scope text not null, subject {bytes} not null, unique (scope, subject));
