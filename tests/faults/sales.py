"""The records that the victim of `test_store_kill.py` writes."""

from __future__ import annotations

from banyan.kernel.storage.statements import parse_statements

SQL = parse_statements(
    """
-- name: make
-- One row a sale.
create table if not exists sale (name text not null primary key)

-- name: sell
-- A sale.
insert into sale (name) values (:name)

-- name: names
-- Every sale.
select name from sale
""",
    where="sales",
)
