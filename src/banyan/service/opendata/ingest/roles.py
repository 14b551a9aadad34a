"""What each column is for: the key that names a row, its label, its time, and where it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from banyan.service.opendata.ingest import hints
from banyan.service.opendata.ingest.facts import Facts
from banyan.service.opendata.ingest.options import Options
from banyan.service.opendata.ingest.refusal import invalid
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.write import Planned
from banyan.service.opendata.model import Finding, Role

NAMES_SAMPLE = 300
MOST, NEARLY_ALL = 0.7, 0.9
KEY_TRIES = 4
OPENING_ROWS = 2000
STREET = re.compile(r"[路街段巷弄號鄰村里]")


def ready_places() -> None:
    """Load the names of places, which takes as long as reading 100,000 rows: to be done beside that."""
    from banyan.craft.gazetteer import town_by_name

    town_by_name("")


def with_roles(
    stage: Stage, planned: Sequence[Planned], facts: Sequence[Facts], options: Options, rows: int
) -> tuple[list[Planned], tuple[str, ...], list[Finding]]:
    """The columns with their roles, the key columns, and what was found."""
    roles = {one.column.name: _by_type(one) for one in planned}
    roles |= _named_places(stage, planned, facts)
    _keep_one(roles, planned, ("lon", "lat", "x", "y", "time", "label"))
    key, findings = _key(stage, planned, facts, options, rows)
    if len(key) == 1 and not roles[key[0]]:
        roles[key[0]] = "key"
    placed = [
        msgspec.structs.replace(one, column=msgspec.structs.replace(one.column, role=roles[one.column.name]))
        for one in planned
    ]
    return placed, key, findings


def _by_type(one: Planned) -> Role:
    name = hints.folded(one.column.name)
    if one.column.type in {"number", "integer"}:
        patterns: tuple[tuple[re.Pattern[str], Role], ...] = (
            (hints.LON, "lon"), (hints.LAT, "lat"), (hints.X, "x"), (hints.Y, "y"),
        )  # fmt: skip
        return next((role for pattern, role in patterns if pattern.search(name)), "")
    if one.column.type in {"datetime", "date", "month", "year"}:
        return "time"
    if one.column.type == "text" and hints.LABEL.search(name) and not hints.VILLAGE.search(name):
        return "label"
    return ""


def _keep_one(roles: dict[str, Role], planned: Sequence[Planned], single: Sequence[Role]) -> None:
    """One column of each such role: for time the finest, else the first."""
    fineness = {"datetime": 0, "date": 1, "month": 2, "year": 3}
    for role in single:
        having = [one for one in planned if roles[one.column.name] == role]
        if role == "time":
            having.sort(key=lambda one: fineness[one.column.type])
        for one in having[1:]:
            roles[one.column.name] = ""


def _named_places(stage: Stage, planned: Sequence[Planned], facts: Sequence[Facts]) -> dict[str, Role]:
    """County, town, village and address columns, by what their cells say; the first of each role wins."""
    found: dict[str, Role] = {}
    for one in planned:
        if one.column.type != "text" or not facts[one.place].filled:
            continue
        role = _place_role(_distinct(stage, one), hints.folded(f"{one.column.name} {one.column.title}"))
        if role and role not in found.values():
            found[one.column.name] = role
    return found


def _place_role(cells: Sequence[str], name: str) -> Role:
    from banyan.craft.gazetteer import town_by_code, town_by_name

    def share(test: Callable[[str], bool]) -> float:
        return sum(map(test, cells)) / len(cells) if cells else 0.0

    if share(lambda cell: town_by_code(cell) is not None) >= NEARLY_ALL:
        longest = max(map(len, cells))
        return "county" if longest == 5 else "town" if longest == 8 else "village"
    if share(lambda cell: (named := town_by_name(cell)) is not None and not named.rest) >= NEARLY_ALL:
        return "town" if share(_names_town) > 0.5 else "county"
    if share(_is_address) >= MOST or (hints.ADDRESS.search(name) and share(_is_address) > 0.3):
        return "address"
    if hints.TOWN.search(name) and share(lambda cell: cell[-1:] in "鄉鎮市區") >= NEARLY_ALL:
        return "town"
    if hints.VILLAGE.search(name) and share(lambda cell: cell.rstrip("\u3000 ")[-1:] in "村里") >= NEARLY_ALL:
        return "village"
    return "address" if hints.ADDRESS.search(name) and share(lambda cell: bool(STREET.search(cell))) >= MOST else ""


def _names_town(cell: str) -> bool:
    from banyan.craft.gazetteer import town_by_name

    named = town_by_name(cell)
    return named is not None and bool(named.town)


def _is_address(cell: str) -> bool:
    from banyan.craft.gazetteer import town_by_name

    named = town_by_name(re.sub(r"^\d{3,6}", "", cell)[:12])
    return named is not None and bool(named.rest) and bool(STREET.search(cell[3:]))


def _distinct(stage: Stage, one: Planned) -> list[str]:
    rows = stage.run(
        f"select value from (select distinct {one.value} as value "
        f"from (select * from stage where c{one.place} is not null limit 20000) s) order by hash(value) "
        f"limit {NAMES_SAMPLE}"
    )
    return [str(row[0]) for row in rows if row[0] is not None]


def _key(
    stage: Stage, planned: Sequence[Planned], facts: Sequence[Facts], options: Options, rows: int
) -> tuple[tuple[str, ...], list[Finding]]:
    """The publisher's key, checked; else the first code-like column that is unique and never empty."""
    by_name = {one.column.name: one for one in planned} | {one.column.header: one for one in planned}
    if options.key:
        unknown = [name for name in options.key if name not in by_name]
        if unknown:
            raise invalid("column-unknown", "key", column=unknown[0], columns="、".join(list(by_name)[:20]))
        chosen = [by_name[name] for name in options.key]
        if repeated := _repeated(stage, chosen, rows):
            raise invalid("key-not-unique", "key", key=", ".join(options.key), count=repeated)
        return tuple(one.column.name for one in chosen), []
    candidates = sorted(
        (one for one in planned if _may_be_key(one, facts[one.place], rows)), key=lambda one: _key_rank(one.column.name)
    )
    for one in candidates[:KEY_TRIES]:
        if _ascends(stage, one, rows) or not _repeated(stage, [one], rows):
            name = one.column.name
            return (name,), [Finding("guess", "key", column=name, count=rows, override="--key COLUMN")]
    return (), []


def _may_be_key(one: Planned, facts: Facts, rows: int) -> bool:
    coded = bool(hints.CODE.search(one.column.name) or hints.SERIAL.search(one.column.name))
    return (
        one.column.type in {"text", "integer"}
        and facts.filled == rows
        and facts.distinct >= 0.9 * rows
        and facts.longest <= 64
        and (coded or (one.place == 0 and facts.longest <= 20))
        and not hints.COORDINATE.search(one.column.name)
    )


def _key_rank(name: str) -> int:
    """A code before a serial number; a telephone is nobody's key."""
    if re.search(r"電話|phone|tel|fax|傳真|手機", name, re.I):
        return 9
    return 0 if hints.CODE.search(name) else 1 if hints.SERIAL.search(name) else 2


def _ascends(stage: Stage, one: Planned, rows: int) -> bool:
    """Whether each value is greater than the one before it: then none repeats, and none need be remembered."""
    for table, size in ((f"(select * from stage limit {OPENING_ROWS})", min(rows, OPENING_ROWS)), ("stage", rows)):
        filled, ascends = stage.row(
            f"select count(v), coalesce(bool_and(v > before), true) "
            f"from (select {one.value} as v, lag({one.value}) over () as before from {table} s)"
        )
        if filled != size or not ascends:
            return False
    return True


def _repeated(stage: Stage, columns: Sequence[Planned], rows: int) -> int:
    """How many rows a key of these columns would not name alone."""
    values = ", ".join(one.value for one in columns)
    empty = " or ".join(f"{one.value} is null" for one in columns)
    return rows - stage.count(f"select count(*) from (select distinct {values} from stage s where not ({empty}))")
