"""Which published table a question is about: scored by its title, its columns and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import msgspec

from banyan.craft.place import Spot
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import feed
from banyan.kernel.storage import Tx, fold
from banyan.kernel.storage.lake import Lake
from banyan.limits import CHAT_NAME_COLUMNS, CHAT_PROBES, CHAT_TABLES
from banyan.service.opendata import registry
from banyan.service.opendata.answer.parse import Asked
from banyan.service.opendata.model import Column
from banyan.service.opendata.tables.engine import Tables
from banyan.service.opendata.tables.filters import all_of
from banyan.service.opendata.tables.query import Compare, Filter, SearchQuery, Words
from banyan.service.opendata.tables.tenancy import Register, find_register

TITLE, COLUMN, ROWS = 0.95, 0.9, 0.8
"""How much it says when a subject word stands in a table's title or notes, its columns, or its rows. Never 1: a service
whose subject this is and who understood every word knows better than a search in tables."""
NO_PLACE = 0.4
"""What is left of the score when the question names a place and the table knows none."""
_NOT_NAMES = ("地址", "住址", "address", "電話", "phone", "傳真", "代碼", "編號", "網址", "url")
_NUMBERS = ("integer", "number")


class Known(msgspec.Struct, frozen=True, eq=False):
    """A table with its words, folded once."""

    register: Register
    text: str
    columns: tuple[tuple[str, Column], ...]
    names: frozenset[str]
    """Its columns and the derived ones (`_county`, `_lon`)."""


class Match(msgspec.Struct, frozen=True, eq=False):
    """A table that answers: which words its rows must hold, which column is measured, how many rows there are."""

    known: Known
    score: float
    where: Filter | None
    words: tuple[Words, ...]
    measures: tuple[Column, ...]
    total: int
    has_place: bool


_KNOWN: WeakKeyDictionary[Lake, tuple[int, tuple[Known, ...]]] = WeakKeyDictionary()


async def known_tables(ctx: Context) -> tuple[Known, ...]:
    """The public tables, newest first; read again only after something was published."""
    seq = await ctx.db.sql.read(feed.newest)
    kept = _KNOWN.get(ctx.db.lake)
    if kept is None or kept[0] != seq:
        kept = _KNOWN[ctx.db.lake] = (seq, await ctx.db.sql.read_long(_read))
    return kept[1]


def _read(tx: Tx) -> tuple[Known, ...]:
    found = []
    for dataset in registry.recent_datasets(tx, limit=CHAT_TABLES):
        if not dataset.is_public:
            continue
        for resource in dataset.resources:
            register = find_register(tx, resource.id) if resource.is_table else None
            if register is not None:
                found.append(_known(register))
    return tuple(found)


def _known(register: Register) -> Known:
    dataset, version = register.dataset, register.version
    text = fold("\n".join((dataset.title, dataset.title_en, dataset.notes, *dataset.tags, register.resource.name)))
    columns = tuple(
        (fold(" ".join((column.name, column.title, *column.aliases))), column) for column in version.columns
    )
    names = {column.name for column in version.columns}
    if version.bbox is not None or version.geometry == "point":
        names |= {"_lon", "_lat"}
    if version.bbox is not None or version.geometry in ("point", "towns", "counties"):
        names |= {"_county", "_town"}
    return Known(register, text, columns, frozenset(names))


async def matches(tables: Tables, known: Sequence[Known], asked: Asked) -> list[Match]:
    """The tables that answer a question, best first. Rows are searched only in the CHAT_PROBES most promising."""
    hopes = sorted(known, key=lambda one: -_hope(one, asked))[:CHAT_PROBES]
    found = [await _match(tables, one, asked) for one in hopes]
    return sorted(
        (match for match in found if match.score > 0),
        key=lambda match: (-match.score, -match.total, -match.known.register.version.as_of),
    )


def _hope(one: Known, asked: Asked) -> float:
    """How promising a table is before its rows are searched."""
    words = sum(word in one.text or any(word in names for names, _ in one.columns) for word in asked.subjects)
    place = 0.5 if asked.spot is not None and placing(one, asked.spot)[2] else 0.0
    points = 0.7 if asked.is_near and "_lon" in one.names else 0.0
    return words + place + points


async def _match(tables: Tables, one: Known, asked: Asked) -> Match:
    where, words, has_place = placing(one, asked.spot) if asked.spot is not None else (None, (), False)
    measures: list[Column] = []
    scores: list[float] = []
    for subject in asked.subjects:
        numbers = _measured(one, subject)
        in_rows = None if numbers else await _standing(tables, one, subject)
        if in_rows is not None:  # it may be nowhere in this place: none here is an answer too
            words += (in_rows,)
            scores.append(TITLE if subject in one.text else ROWS)
        elif subject in one.text or numbers:
            measures.extend(column for column in numbers if column not in measures)
            scores.append(TITLE if subject in one.text else COLUMN)
        elif any(subject in names for names, _ in one.columns):
            scores.append(COLUMN)
        else:
            scores.append(0.0)
    score = sum(scores) / len(scores) if scores and min(scores) > 0 else 0.0
    if asked.spot is not None and not has_place:
        score *= NO_PLACE
    if asked.is_near and "_lon" not in one.names:
        score = 0.0
    total = await _count(tables, one, where, words) if score else 0
    return Match(one, score, where, words, tuple(measures), total, has_place)


def _measured(one: Known, subject: str) -> list[Column]:
    """The columns of numbers called so: the one of exactly that name, else all that have it in theirs."""
    found = [(names, column) for names, column in one.columns if subject in names and column.type in _NUMBERS]
    exact = [column for names, column in found if subject in names.split()]
    return exact or [column for _, column in found]


async def _standing(tables: Tables, one: Known, subject: str) -> Words | None:
    """The column in whose cells the subject stands most often. Not addresses: 市長 stands in 屏東市長春里 too."""
    found = [(await _count(tables, one, None, (Words(subject, name),)), name) for name in _naming(one)]
    most, name = max(found, default=(0, ""))
    return Words(subject, name) if most else None


def _naming(one: Known) -> list[str]:
    """Columns that say what a row is: texts that are no address, code, telephone or place."""
    texts = [
        column
        for names, column in one.columns
        if column.type == "text" and column.role in ("", "label") and not any(word in names for word in _NOT_NAMES)
    ]
    return [column.name for column in sorted(texts, key=lambda column: column.role != "label")[:CHAT_NAME_COLUMNS]]


async def _count(tables: Tables, one: Known, where: Filter | None, words: tuple[Words, ...]) -> int:
    query = SearchQuery(where=where, words=words, fields=("_id",), limit=0)
    page = await tables.search(one.register.version, query)
    return page.total or 0


def placing(one: Known, spot: Spot) -> tuple[Filter | None, tuple[Words, ...], bool]:
    """The test that keeps a table's rows to a place: by its own columns of county and town, by code, or by address."""
    by_role: dict[str, str] = {column.role: column.name for _, column in one.columns if column.role}
    parts = [(role, name) for role, name in (("county", spot.county), ("town", spot.town)) if name]
    if all(role in by_role for role, _ in parts):
        return None, tuple(Words(name, by_role[role]) for role, name in parts), True
    if (spot.county_code or spot.town_codes) and "_county" in one.names:
        towns = Compare("_town", "in", spot.town_codes) if spot.town_codes else None
        return all_of([towns or Compare("_county", "eq", spot.county_code)]), (), True
    address = by_role.get("address") or next((c.name for names, c in one.columns if "地址" in names), "")
    if address:
        return None, (Words(spot.name, address),), True
    return None, (), False
