"""Statement files: what they hold, what they refuse, what each engine is given."""

from __future__ import annotations

import pytest

from banyan.kernel.storage.statements import for_postgres, for_sqlite, load_statements, parse_statements


def parse(sql: str) -> str:
    return parse_statements(f"-- name: one\n-- Why.\n{sql}", where="here")["one"].text


def test_a_file_has_names_purposes_and_texts() -> None:
    found = parse_statements(
        "-- Head comment.\n\n-- name: a\n-- First.\nselect 1;\n\n-- name: b2\n-- Second.\nselect 2\n-- why\nfrom x;\n",
        where="x",
    )
    assert {name: (one.purpose, one.text) for name, one in found.items()} == {
        "a": ("First.", "select 1"),
        "b2": ("Second.", "select 2\n-- why\nfrom x"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "before the first"),
        ("-- name: a\n-- X.\nselect 1\n-- name: a\n-- X.\nselect 2", "named twice"),
        ("-- name: a\n-- X.\n\n-- name: b\n-- X.\nselect 2", "is empty"),
        ("-- name: a\n-- X.\nselect 1\n-- name: b\nselect 2", "without a purpose"),
    ],
)
def test_a_malformed_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        parse_statements(text, where="here")


@pytest.mark.parametrize(
    "sql",
    [
        "insert or replace into a values (1)",
        "select ifnull(a, 1) from b",
        "select a::text from b",
        "select now()",
        "select a from b where c ilike :x",
        "create table a (b serial)",
        "create table a (b blob)",
        "select group_concat(a) from b",
        "select json_extract(a, '$.b') from c",
        "select rowid from a",
    ],
)
def test_words_of_one_engine_are_refused(sql: str) -> None:
    with pytest.raises(AssertionError, match="common subset"):
        parse(sql)


def test_words_in_literals_and_comments_are_free() -> None:
    assert parse("select 'now() ::x blob' -- pragma, ilike\nfrom a").startswith("select")


def test_placeholders_and_tokens() -> None:
    sql = "select ':a', a % 2, \"b\" -- :c\nfrom t where d = :d and e like '%x''s :y%' {skip_locked}"
    assert for_sqlite(sql).rstrip() == sql.replace(" {skip_locked}", "")
    assert for_postgres(sql) == (
        "select ':a', a %% 2, \"b\" -- :c\nfrom t where d = %(d)s and e like '%%x''s :y%%' for update skip locked"
    )


def test_tables_are_strict_on_sqlite() -> None:
    script = (
        "-- create table no (a);\nCREATE TABLE a (\n  b text default ');(', c text -- ;)\n);\n"
        "create index i on a (b);\ncreate table if not exists d (e text)"
    )
    assert for_sqlite(script) == (
        "-- create table no (a);\nCREATE TABLE a (\n  b text default ');(', c text -- ;)\n) strict;\n"
        "create index i on a (b);\ncreate table if not exists d (e text) strict"
    )


def test_the_kernels_own_files_load() -> None:
    for package, filename in (
        ("banyan.kernel.storage", "migrations.sql"),
        ("banyan.kernel.events", "feed.sql"),
        ("banyan.kernel.events", "outbox.sql"),
        ("banyan.kernel.events", "timers.sql"),
    ):
        assert load_statements(package, filename)
