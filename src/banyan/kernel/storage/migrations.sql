-- name: create_table
-- What was applied to this database, by service.
create table if not exists migration (
  service text not null,
  n {int} not null,
  sha256 text not null,
  at {real} not null,
  primary key (service, n)
)

-- name: applied
-- The migrations of a service that were applied.
select n, sha256 from migration where service = :service order by n

-- name: remember
-- Record one as applied.
insert into migration (service, n, sha256, at) values (:service, :n, :sha256, :at)
