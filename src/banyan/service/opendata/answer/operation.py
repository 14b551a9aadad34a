"""The operation `answer`: a question in people's own words, answered from the published tables with source and date.

It never makes words up: it counts, lists, adds and measures distances, or says that it does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from banyan.craft.place import Spot
from banyan.kernel.catalogue.dialogue import Choice, Grid, Reply, Source, Utterance
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.storage import Tx, fold
from banyan.limits import CHAT_ROWS
from banyan.service.opendata import registry
from banyan.service.opendata.answer.candidates import TITLE, Known, Match, known_tables, matches, placing
from banyan.service.opendata.answer.parse import Asked, is_additive, read
from banyan.service.opendata.find.operation import FindDatasets, Found
from banyan.service.opendata.model import Column, Dataset
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.engine import Tables
from banyan.service.opendata.tables.nearest import nearest
from banyan.service.opendata.tables.operations import key_filter
from banyan.service.opendata.tables.query import AggregateQuery, Cell, Compare, Function, Measure, SearchQuery, SortKey
from banyan.service.opendata.tables.records import plain_cell
from banyan.service.opendata.tables.tenancy import Register, engine

MESSAGES = load_messages("banyan.service.opendata.answer")
NOTHING = Reply(text="", score=0.0)
_SHOWN = 5
_NAMES = ("名稱", "name", "title", "站名", "機構")


@SERVICE.operation(
    "answer",
    title={"zh-Hant": "用一句話問資料", "en": "Ask the data"},
    summary={
        "zh-Hant": "用自己的話問：哪裡有、有多少、最近的、這個代碼是誰。答案附來源與資料時間；沒有把握時分數為 0。",
        "en": "Ask in your own words: where, how many, nearest, whose code. With source and date; score 0 when unsure.",
    },
    data=OPEN,
    audience="public",
    keys=("問資料", "ask"),
    channels=("api", "chat", "mcp"),
    rate="query",
)
async def answer(ctx: Context, request: Utterance) -> Reply:
    """A reply whose score is 0 when no table answers."""
    asked = read(request.text)
    if asked.codes:
        return await _by_code(ctx, asked.codes[0], request.lang)
    if asked.wants_datasets:
        return await _datasets(ctx, asked, request.lang)
    if asked.subjects and not asked.is_beyond:
        found = await matches(engine(ctx.db), await known_tables(ctx), asked)
        if found and asked.is_near:
            return await _near(ctx, found[0], asked, request)
        if found:
            return await _listed(ctx, found, asked, request.lang)
    return NOTHING


async def _listed(ctx: Context, found: Sequence[Match], asked: Asked, lang: str) -> Reply:
    """Count and first rows of the best table, or the sum of the column that was asked for."""
    best, tables = found[0], engine(ctx.db)
    register = best.known.register
    subject = _subject(asked, lang)
    place = _place(asked.spot, lang)
    columns = _shown_columns(best.known, best.measures)
    sort = (SortKey(best.measures[0].name, descending=True),) if best.measures else ()
    query = SearchQuery(
        where=best.where, words=best.words, fields=tuple(column.name for column in columns), limit=CHAT_ROWS, sort=sort
    )
    page = await tables.search(register.version, query)
    total = page.total or 0
    if best.measures:
        text = await _measured(tables, best, place=place, lang=lang)
    elif not total:
        text = MESSAGES.text("answer.none", lang, place=place, subject=subject)
    else:
        key = "answer.list" if total > len(page.rows) else "answer.list_one"
        values = {"place": place, "subject": subject, "total": f"{total:,}", "shown": len(page.rows)}
        text = MESSAGES.text(key, lang, **values)
    choices = [_link(register, lang, asked)] + [_other(match, lang) for match in found[1:3]]
    return Reply(
        text=text,
        score=best.score,
        sources=(await _source(ctx, register, lang),),
        grid=_grid(columns, page.rows, total) if total else None,
        choices=tuple(choices),
    )


async def _measured(tables: Tables, best: Match, *, place: str, lang: str) -> str:
    """The total of what may be added up; of everything else the range and the mean."""
    return " ".join([await _figure(tables, best, column, place=place, lang=lang) for column in best.measures])


async def _figure(tables: Tables, best: Match, column: Column, *, place: str, lang: str) -> str:
    functions: tuple[Function, ...] = ("sum",) if is_additive(fold(column.name)) else ("min", "max", "avg")
    measures = tuple(Measure(function, column.name) for function in (*functions, "count"))
    query = AggregateQuery(measures=measures, where=best.where, words=best.words)
    grid = await tables.aggregate(best.known.register.version, query)
    row = grid.rows[0] if grid.rows else (None,) * len(measures)
    values = {name: _number(value) for name, value in zip((*functions, "count"), row, strict=True)}
    key = "answer.sum" if "sum" in values else "answer.range"
    return MESSAGES.text(key, lang, place=place, column=column.title or column.name, **values)


def _number(value: Cell) -> str:
    """A figure as people read it: thousands separated, at most two decimals."""
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if value is None else f"{float(str(value)):,.2f}".rstrip("0").rstrip(".")


async def _near(ctx: Context, best: Match, asked: Asked, request: Utterance) -> Reply:
    """The nearest rows to where the asker is; asks for a place when none was told."""
    tables, lang, subject = engine(ctx.db), request.lang, _subject(asked, request.lang)
    place = request.place or (await _centre(tables, best.known, asked.spot) if asked.spot else None)
    if place is None:
        text = MESSAGES.text("answer.near_ask", lang, subject=subject)
        return Reply(text=text, score=best.score, asks="place")
    register = best.known.register
    points = await tables.points(register.version)
    of_place = placing(best.known, asked.spot)[1] if asked.spot is not None else ()
    words = tuple(word for word in best.words if word not in of_place)
    only = await tables.ids(register.version, None, words) if words else None
    found = await asyncio.to_thread(nearest, points, place, k=_SHOWN, only=only)
    source = await _source(ctx, register, lang)
    if not found:
        return Reply(MESSAGES.text("answer.near_none", lang, subject=subject), best.score, (source,))
    columns = _shown_columns(best.known, best.measures)
    fields = ("_id", *(column.name for column in columns))
    page = await tables.search(
        register.version,
        SearchQuery(where=Compare("_id", "in", tuple(near.id for near in found)), fields=fields, limit=_SHOWN),
    )
    rows = {row[0]: row[1:] for row in page.rows}
    said = [(*_said(rows[near.id]), _distance(near.metres)) for near in found]
    grid = Grid(
        (*(_title(column) for column in columns), MESSAGES.text("answer.distance", lang)), tuple(said), len(said)
    )
    text = MESSAGES.text("answer.near", lang, subject=subject, name=said[0][0], distance=_distance(found[0].metres))
    return Reply(text, best.score, (source,), grid, (_link(register, lang, asked),))


async def _centre(tables: Tables, one: Known, spot: Spot) -> tuple[float, float] | None:
    """The middle of the table's own points in a place that was named."""
    where, words, has_place = placing(one, spot)
    if not has_place:
        return None
    query = AggregateQuery(measures=(Measure("median", "_lon"), Measure("median", "_lat")), where=where, words=words)
    grid = await tables.aggregate(one.register.version, query)
    lon, lat = grid.rows[0] if grid.rows else (None, None)
    return (float(lon), float(lat)) if isinstance(lon, float) and isinstance(lat, float) else None


async def _by_code(ctx: Context, code: str, lang: str) -> Reply:
    """The row that has this code as its key, in the newest table that knows it."""
    tables = engine(ctx.db)
    for known in await known_tables(ctx):
        register = known.register
        key = register.resource.key or tuple(c.name for c in register.version.columns if c.role == "key")
        if len(key) != 1 or not any(c.name == key[0] and c.type == "text" for c in register.version.columns):
            continue
        columns = _shown_columns(known, tuple(c for c in register.version.columns if c.type in ("integer", "number")))
        fields = tuple(column.name for column in columns)
        page = await tables.search(
            register.version,
            SearchQuery(where=key_filter(key, code), fields=fields, limit=1, include_total=False),
        )
        if page.rows:
            said = _said(page.rows[0])
            text = MESSAGES.text("answer.found", lang, code=code, name=said[0])
            grid = Grid(tuple(_title(column) for column in columns), (said,), 1)
            return Reply(text, TITLE, (await _source(ctx, register, lang),), grid, (_link(register, lang, None),))
    return Reply(MESSAGES.text("answer.no_code", lang, code=code), 0.0)


async def _datasets(ctx: Context, asked: Asked, lang: str) -> Reply:
    """Datasets about the subject, as links."""
    words = " ".join((*asked.subjects, asked.spot.county if asked.spot else ""))
    found: Found = await ctx.call("opendata.find_datasets", FindDatasets(q=words.strip(), rows=_SHOWN))
    if not found.count:
        return NOTHING
    key = "answer.datasets" if words.strip() else "answer.datasets_all"
    text = MESSAGES.text(key, lang, total=f"{found.count:,}", subject=_subject(asked, lang), shown=len(found.hits))
    newest = max(hit.dataset.metadata_modified for hit in found.hits)
    source = Source(SERVICE.title[lang], f"/dataset?{urlencode({'q': words.strip()})}", iso(newest))
    choices = tuple(
        Choice(_dataset_title(hit.dataset, lang), path=f"/dataset/{hit.dataset.name}") for hit in found.hits
    )
    return Reply(text, 0.9, (source,), choices=choices)


async def _source(ctx: Context, register: Register, lang: str) -> Source:
    dataset, version = register.dataset, register.version

    def publisher(tx: Tx) -> str:
        agency = registry.agency_by(tx, dataset.agency_id) if dataset.agency_id else None
        return (agency.title_en or agency.title if lang == "en" else agency.title) if agency else ""

    title, path = _dataset_title(dataset, lang), f"/dataset/{dataset.name}"
    return Source(title, path, iso(version.as_of), await ctx.db.sql.read(publisher))


def _dataset_title(dataset: Dataset, lang: str) -> str:
    return (dataset.title_en or dataset.title) if lang == "en" else dataset.title


def _link(register: Register, lang: str, asked: Asked | None) -> Choice:
    title = _dataset_title(register.dataset, lang)
    words = " ".join((*asked.subjects, asked.spot.name if asked.spot else "")) if asked is not None else ""
    query = f"?{urlencode({'q': words.strip()}, quote_via=quote)}" if words.strip() else ""
    path = f"/dataset/{register.dataset.name}/resource/{register.resource.id}{query}"
    return Choice(MESSAGES.text("answer.open", lang, title=title), path=path)


def _other(match: Match, lang: str) -> Choice:
    dataset = match.known.register.dataset
    label = MESSAGES.text("answer.open", lang, title=_dataset_title(dataset, lang))
    return Choice(label, path=f"/dataset/{dataset.name}")


def _subject(asked: Asked, lang: str) -> str:
    return MESSAGES.text("answer.and", lang).join(asked.subjects)


def _place(spot: Spot | None, lang: str) -> str:
    return MESSAGES.text("answer.place", lang, county=spot.name) if spot is not None else ""


def _shown_columns(known: Known, measures: Sequence[Column]) -> tuple[Column, ...]:
    """The few columns a person reads: what it is called, where it is, how to reach it, and what was measured."""
    columns = [column for _, column in known.columns]
    name = next((c for c in columns if c.role == "label"), None) or next(
        (
            c
            for c in columns
            if c.type == "text" and any(word in c.name.lower() for word in _NAMES) and "代碼" not in c.name
        ),
        columns[0],
    )
    others = [
        c
        for c in columns
        if c.role == "address" or any(word in c.name for word in ("電話", "phone", "地址", "address"))
    ]
    chosen = dict.fromkeys(column.name for column in (name, *others, *measures))
    by_name = {column.name: column for column in columns}
    kept = [by_name[one] for one in chosen][: _SHOWN + 1]
    return tuple(kept) if len(kept) > 1 else tuple(columns[:_SHOWN])


def _title(column: Column) -> str:
    return column.title or column.name


def _grid(columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], total: int) -> Grid:
    return Grid(tuple(_title(column) for column in columns), tuple(_said(row) for row in rows), total)


def _said(row: Sequence[Cell]) -> tuple[str, ...]:
    return tuple("" if cell is None else str(plain_cell(cell)) for cell in row)


def _distance(metres: float) -> str:
    return f"{metres:,.0f} m" if metres < 1000 else f"{metres / 1000:,.1f} km"
