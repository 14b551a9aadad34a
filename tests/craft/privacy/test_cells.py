"""Tables of groups against a plain oracle: it tries to subtract, and to guess with the rule in hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import product

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from banyan.craft.privacy import Table, safe_table
from banyan.errors import Invalid

Path = tuple[str | None, ...]
Person = tuple[str | None, str | None, str]
"""Two columns and a sensitive value."""
PERSON = st.tuples(
    st.sampled_from(["A", "B", "C", "D", None]), st.sampled_from(["1", "2", "3", None]), st.sampled_from("xyz")
)
PEOPLE = st.lists(PERSON, max_size=60)
K = st.integers(3, 6)
SECRET = bytes(range(32))


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One for all examples: starting it costs more than a table."""
    return duckdb.connect(config={"threads": 1})


def table(people: Sequence[Person], k: int, *, kinds: int = 1, sensitive: str = "") -> Table:
    connection = engine()
    columns = [list(map(str, range(len(people)))), *([person[at] for person in people] for at in range(3))]
    connection.execute(
        "create or replace temp table people as select unnest($1::varchar[]) as id, unnest($2::varchar[]) as one,"
        " unnest($3::varchar[]) as two, unnest($4::varchar[]) as illness",
        columns,
    )
    found = safe_table(
        connection.table("people"),
        connection,
        person="id",
        columns=["one", "two"],
        k=k,
        secret=SECRET,
        sensitive=sensitive,
        kinds=kinds,
    )
    left = connection.execute("select count(*) from duckdb_tables() where table_name like 'banyan%'").fetchall()
    views = connection.execute("select count(*) from duckdb_views() where view_name like 'banyan%'").fetchall()
    assert (left, views) == ([(0,)], [(0,)]), "something was left behind"
    return found


def truth(people: Sequence[Person]) -> dict[Path, int]:
    """Every group of every level."""
    return Counter(path for one, two, _ in people for path in ((), (one,), (one, two)))


def solved(unknown: list[Path], equations: list[tuple[set[Path], int]]) -> dict[Path, Fraction]:
    """The groups whose size follows from the equations: Gauss and Jordan with exact fractions."""
    rows = [[Fraction(path in among) for path in unknown] + [Fraction(total)] for among, total in equations]
    pivots: list[int] = []
    for column in range(len(unknown)):
        place = next((at for at in range(len(pivots), len(rows)) if rows[at][column]), None)
        if place is None:
            continue
        top = len(pivots)
        rows[top], rows[place] = rows[place], rows[top]
        rows[top] = [value / rows[top][column] for value in rows[top]]
        for other in range(len(rows)):
            if other != top and rows[other][column]:
                factor = rows[other][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[top], strict=True)]
        pivots.append(column)
    alone = {}
    for row, column in zip(rows, pivots, strict=False):
        if sum(1 for value in row[:-1] if value) == 1:
            alone[unknown[column]] = row[-1]
    return alone


@settings(max_examples=60, deadline=None)
@given(PEOPLE, K)
@example([("A", "1", "x")] * 4 + [("B", "1", "x")], 4)
@example([("A", "1", "x")] * 3 + [("A", "2", "x")] * 3 + [("B", "1", "x")], 3)
@example([(None, None, "x")] * 3 + [(None, "1", "x")] * 3, 3)
def test_what_is_shown_is_true_and_nothing_small_follows(people: list[Person], k: int) -> None:
    groups, found = truth(people), table(people, k)
    shown = {cell.path: cell.persons for cell in found.cells}
    assert len(shown) == len(found.cells), "a group is shown twice"
    assert all(groups[path] == persons >= k for path, persons in shown.items())
    assert all(path[:-1] in shown for path in shown if path), "a part of a hidden group is shown"
    hidden = [path for path in groups if path not in shown]
    assert found.hidden == sum(1 for path in hidden if path and path[:-1] in shown)
    equations = [
        (
            {path for path in hidden if path[:-1] == whole and path},
            total - sum(n for path, n in shown.items() if path and path[:-1] == whole),
        )
        for whole, total in shown.items()
        if len(whole) < 2
    ]
    signed = [(among, total) for among, total in equations if among]
    assert not solved(hidden, signed), "a hidden group follows by subtraction"
    assert all(len(among) >= 2 and total >= k for among, total in signed), "a small rest follows by subtraction"


def plain(sizes: Sequence[int], k: int) -> set[tuple[bool, ...]]:
    """Which parts of a whole are hidden, as the docstring says it: one for each way the secret may decide."""
    small = {at for at, size in enumerate(sizes) if size < k}
    others = [size for size in sizes if size >= k]
    if not small or not others:
        return {tuple(bool(small) for _ in sizes)}
    beside = [at for at, size in enumerate(sizes) if size == min(others)]
    return {tuple(at in small or at == one for at in range(len(sizes))) for one in beside}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), K)
def test_the_rule_is_the_one_described(sizes: list[int], k: int) -> None:
    people: list[Person] = [(chr(65 + at), "1", "x") for at, size in enumerate(sizes) for _ in range(size)]
    shown = {cell.path for cell in table(people, k).cells}
    hidden = tuple((chr(65 + at),) not in shown for at in range(len(sizes)))
    assert hidden in (plain(sizes, k) if sum(sizes) >= k else {(True,) * len(sizes)})


@pytest.mark.parametrize("k", [3, 4, 5])
@pytest.mark.parametrize("parts", [2, 3, 4])
def test_who_knows_the_rule_and_the_parts_can_still_not_tell_a_hidden_group(k: int, parts: int) -> None:
    """Every whole of a few parts: whatever is answered, two of them answer it that differ in each hidden part."""
    seen: defaultdict[tuple[object, ...], list[tuple[int, ...]]] = defaultdict(list)
    for sizes in product(range(1, 2 * k + 1), repeat=parts):
        if sum(sizes) >= k:
            for hidden in plain(sizes, k):
                answer = tuple(None if one else size for size, one in zip(sizes, hidden, strict=True))
                seen[sum(sizes), answer].append(sizes)
    for (total, answer), tables in seen.items():
        if total == parts:
            continue  # each part is one person: the total says so, to who knows from elsewhere that no part is empty
        for at, size in enumerate(answer):
            if size is None:
                assert len({sizes[at] for sizes in tables}) >= 2, f"{answer} of {total} can only be {tables}"


@settings(max_examples=30, deadline=None)
@given(PEOPLE, K, st.integers(2, 3))
def test_a_shown_group_has_enough_kinds(people: list[Person], k: int, kinds: int) -> None:
    found = table(people, k, kinds=kinds, sensitive="illness")
    for cell in found.cells:
        among = {person[2] for person in people if person[: len(cell.path)] == cell.path}
        assert len(among) >= kinds


def test_a_group_of_one_illness_is_hidden_with_the_smallest_other() -> None:
    mixed: list[Person] = [(group, "1", illness) for group in "CDD" for illness in "xy" for _ in range(3)]
    people: list[Person] = [("A", "1", "x")] * 5 + [("B", "1", "y")] * 5 + mixed
    assert [cell.path for cell in table(people, 5).cells if len(cell.path) == 1] == [("A",), ("B",), ("C",), ("D",)]
    alike = table(people, 5, kinds=2, sensitive="illness")
    assert [cell.path for cell in alike.cells if len(cell.path) == 1] == [("D",)]


def test_a_table_is_the_same_each_time_and_another_secret_hides_another_equal() -> None:
    connection = engine()
    people = connection.sql("select i::varchar as id, least(i // 5, 9) as one from range(47) t(i)")
    asked = {"person": "id", "columns": ["one"], "k": 5}
    found = [safe_table(people, connection, secret=bytes([at]), **asked) for at in (*range(9), *range(9))]  # type: ignore[arg-type]
    assert found[:9] == found[9:]
    assert len({table.cells for table in found}) > 1
    assert {table.hidden for table in found} == {2}


def test_a_person_with_two_rows_is_refused() -> None:
    with duckdb.connect() as connection:
        people = connection.sql("select * from (values ('p', 'A'), ('p', 'A'), ('q', 'A')) as t(id, one)")
        with pytest.raises(Invalid, match="person"):
            safe_table(people, connection, person="id", columns=["one"], k=3, secret=SECRET)
        nameless = connection.sql("select null as id, 'A' as one")
        with pytest.raises(Invalid, match="nobody"):
            safe_table(nameless, connection, person="id", columns=["one"], k=3, secret=SECRET)


@pytest.mark.parametrize(
    "wrong",
    [{"k": 2}, {"columns": []}, {"columns": ["one", "one"]}, {"columns": ["three"]}, {"person": "x"}, {"kinds": 2},
     {"kinds": 0}, {"sensitive": 'one" or 1=1 --'}],
    ids=str,
)  # fmt: skip
def test_a_wrong_question_is_refused(wrong: dict[str, object]) -> None:
    asked: dict[str, object] = {"person": "id", "columns": ["one"], "k": 3, "secret": SECRET} | wrong
    with duckdb.connect() as connection, pytest.raises(Invalid):
        safe_table(connection.sql("select '1' as id, 'A' as one"), connection, **asked)  # type: ignore[arg-type]


def test_names_of_columns_are_names_and_not_sql() -> None:
    with duckdb.connect() as connection:
        people = connection.sql("""select i::varchar as id, 'A' as "a""; drop table x; --" from range(4) t(i)""")
        found = safe_table(people, connection, person="id", columns=['a"; drop table x; --'], k=3, secret=SECRET)
    assert [cell.persons for cell in found.cells] == [4, 4]
