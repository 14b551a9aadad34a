"""Which registers feed the board, and how they stand: an administrator follows one, anybody may see how it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_LOOKS_AGREE, SUPPLIES_SOURCES
from banyan.service.supplies import sources as registry
from banyan.service.supplies.board import Board
from banyan.service.supplies.feeding import read_source
from banyan.service.supplies.headings import guessed_columns, guessed_items, headings
from banyan.service.supplies.judging import RELEASED
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import Item, ItemsSet
from banyan.service.supplies.reading import Register, served
from banyan.service.supplies.remembering import fed_of
from banyan.service.supplies.service import SERVICE
from banyan.service.supplies.sources import Held, Role, Source, Standing
from banyan.service.supplies.tills import show_all

MESSAGES: Final = load_messages("banyan.service.supplies", "feeding.toml")


def _label(zh: str, en: str) -> dict[str, object]:
    return {"label": {"zh-Hant": zh, "en": en}}


Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", extra=_label("來源代號", "Source"))]
ItemSlug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", extra=_label("品項代號", "Item"))]
Words = Annotated[str, msgspec.Meta(max_length=60)]
Column = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SaveItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item that is handed out; one of a known id is changed. Below `few` an outlet is nearly out. Items of one
    `family` are sizes of one good."""

    id: ItemSlug
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=60, extra=_label("名稱", "Name in Chinese"))]
    title_en: Annotated[str, msgspec.Meta(min_length=1, max_length=60, extra=_label("英文名稱", "Name in English"))]
    unit: Annotated[Words, msgspec.Meta(extra=_label("單位", "Unit in Chinese"))] = ""
    unit_en: Annotated[Words, msgspec.Meta(extra=_label("英文單位", "Unit in English"))] = ""
    few: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, extra=_label("少於多少算快沒了", "Nearly out below"))] = 20
    family: Annotated[Words, msgspec.Meta(extra=_label("同類", "Family"))] = ""


class FollowRegister(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a register of open data feed the board. `columns` by field and `items` (the column of each item id: how many
    there are in a stock list, how many are promised in a notices register) are guessed from known headings when left
    out. `rank` of places: 0 the first geocoding, 1 the second."""

    source: Slug
    register: Annotated[
        str, msgspec.Meta(min_length=1, max_length=200, extra=_label("資料集或資源", "Dataset or resource"))
    ]
    role: Annotated[Role, msgspec.Meta(extra=_label("內容", "What it says"))]
    columns: Annotated[dict[str, Column], msgspec.Meta(max_length=40, extra=_label("欄位對應", "Columns"))] = {}
    items: Annotated[dict[ItemSlug, Column], msgspec.Meta(max_length=40, extra=_label("品項欄位", "Items"))] = {}
    rank: Annotated[int, msgspec.Meta(ge=0, le=9, extra=_label("次序", "Rank"))] = 0


class SourceId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: Slug


class AllSources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class HeldView(msgspec.Struct, frozen=True):
    """A look that was not shown: which version, why in words, since when. `releases`: it is shown by itself once
    `agrees` later looks said the same; the others wait for a person."""

    version: int
    reason: str
    why: dict[str, str]
    since: str
    releases: bool
    agreed: int
    agrees: int


class SourceView(msgspec.Struct, frozen=True):
    """One source: what it follows, and the last look that is shown: its version, its own time, when it was read (RFC
    3339 UTC, empty before the first). `unread`: rows that kept an older number, with `examples` of their cells."""

    source: str
    register: str
    role: Role
    columns: dict[str, str]
    items: dict[str, str]
    rank: int
    version: int
    as_of: str
    read: str
    rows: int
    unread: int
    examples: tuple[str, ...]
    held: HeldView | None


@SERVICE.operation(
    "save_item",
    title={"zh-Hant": "新增物資", "en": "Save an item"},
    summary={"zh-Hant": "新增或修改一種物資。", "en": "Adds an item that is handed out, or changes one."},
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def save_item(ctx: Context, request: SaveItem) -> tuple[Item, ...]:
    """All items, in the order in which they were first saved."""
    kept = kept_of(ctx.db)
    title = {"zh-Hant": request.title, "en": request.title_en}
    unit = {"zh-Hant": request.unit, "en": request.unit_en}
    saved = Item(request.id, title, unit, request.few, request.family)
    async with fed_of(ctx.db).lock:
        items = [saved if item.id == saved.id else item for item in kept.board.items]
        if saved not in items:
            items.append(saved)
        if items != kept.board.items:
            await kept.commit(ItemsSet(ctx.now, tuple(items)))
            await show_all(ctx)
    return tuple(kept.board.items)


@SERVICE.operation(
    "follow_register",
    title={"zh-Hant": "追蹤登記資料", "en": "Follow a register"},
    summary={
        "zh-Hant": "讓一份開放資料持續更新看板；看不懂或不合理的版本會先暫緩。",
        "en": "Lets a register of open data feed the board; a version that cannot be true is held back.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def follow_register(ctx: Context, request: FollowRegister) -> SourceView:
    """Reads it at once. Raises NotFound for the register, Invalid for a column or an item, Conflict for an item that
    another source feeds, Limit."""
    register = await served(ctx.call, request.register)
    board = kept_of(ctx.db).board
    source = Source(
        id=request.source,
        register=request.register,
        role=request.role,
        columns=_columns(request, register),
        items=_items(request, register, board),
        rank=request.rank,
        since=ctx.now,
    )
    fed = fed_of(ctx.db)
    async with fed.lock:
        followed = await ctx.db.sql.read(registry.all_sources)
        _refuse_twice(source, [one for one, _ in followed if one.id != source.id])
        await ctx.db.sql.write(lambda tx: registry.put_source(tx, source))
        fed.forget(source.id)
    await read_source(ctx, source.id)
    return await _view(ctx, source.id)


@SERVICE.operation(
    "unfollow_register",
    title={"zh-Hant": "停止追蹤", "en": "Unfollow a register"},
    summary={
        "zh-Hant": "不再讀取；看板保留最後的數字與時間。",
        "en": "Reads it no more; the board keeps the last numbers with their time.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def unfollow_register(ctx: Context, request: SourceId) -> tuple[SourceView, ...]:
    fed = fed_of(ctx.db)
    async with fed.lock:
        await _found(ctx, request.source)
        await ctx.db.sql.write(lambda tx: registry.drop_source(tx, request.source))
        fed.forget(request.source)
    return await sources(ctx, AllSources())


@SERVICE.operation(
    "read_register_now",
    title={"zh-Hant": "立即讀取", "en": "Read a register now"},
    summary={
        "zh-Hant": "不等新版本，立即再讀一次。",
        "en": "Reads the register again without waiting for a new version.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def read_register_now(ctx: Context, request: SourceId) -> SourceView:
    await _found(ctx, request.source)
    await read_source(ctx, request.source, again=True)
    return await _view(ctx, request.source)


@SERVICE.operation(
    "accept_held",
    title={"zh-Hant": "接受被暫緩的資料", "en": "Accept what is held back"},
    summary={
        "zh-Hant": "確認目前的版本是真的，立即顯示。",
        "en": "Says that the present version is true, and shows it.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def accept_held(ctx: Context, request: SourceId) -> SourceView:
    """Raises Conflict when nothing is held. A lost column stays held: there is nothing to show."""
    _, standing = await _found(ctx, request.source)
    if standing.held is None:
        raise refusal(Conflict, "not_held", source=request.source)
    await read_source(ctx, request.source, again=True, accept=True)
    return await _view(ctx, request.source)


@SERVICE.operation(
    "sources",
    title={"zh-Hant": "資料來源", "en": "Sources"},
    summary={
        "zh-Hant": "看板的每個資料來源：版本、資料時間、讀取時間，暫緩時說明原因。",
        "en": "Every source of the board: version, its time, when it was read, and why one is held back.",
    },
    data=OPEN,
    audience="public",
    channels=("web", "api", "mcp"),
)
async def sources(ctx: Context, request: AllSources) -> tuple[SourceView, ...]:
    """In the order in which they were followed."""
    followed = await ctx.db.sql.read(registry.all_sources)
    return tuple(_viewed(source, standing) for source, standing in followed)


async def _view(ctx: Context, id: str) -> SourceView:
    return _viewed(*await _found(ctx, id))


async def _found(ctx: Context, id: str) -> tuple[Source, Standing]:
    found = await ctx.db.sql.read(lambda tx: registry.source_by(tx, id))
    if found is None:
        followed = await ctx.db.sql.read(registry.all_sources)
        raise refusal(NotFound, "unknown", source=id, sources="、".join(one.id for one, _ in followed) or "-")
    return found


def _viewed(source: Source, standing: Standing) -> SourceView:
    return SourceView(
        source=source.id,
        register=source.register,
        role=source.role,
        columns=source.columns,
        items=source.items,
        rank=source.rank,
        version=standing.taken.version,
        as_of=_said(standing.as_of),
        read=_said(standing.read),
        rows=standing.rows,
        unread=standing.unread,
        examples=standing.examples,
        held=None if standing.held is None else _held(standing.held),
    )


def _held(held: Held) -> HeldView:
    return HeldView(
        version=held.looked.version,
        reason=held.reason,
        why={lang: MESSAGES.text(f"supplies.held.{held.reason}", lang, **held.values) for lang in LANGUAGES},
        since=_said(held.since),
        releases=held.reason in RELEASED,
        agreed=held.agreed,
        agrees=SUPPLIES_LOOKS_AGREE,
    )


def _said(at: EpochS) -> str:
    return iso(at) if at > 0 else ""


def _columns(request: FollowRegister, register: Register) -> dict[str, str]:
    """The asked columns under their present names, and guesses for what was not asked."""
    fields = headings().role[request.role]
    for field, column in request.columns.items():
        if field not in fields.reads:
            raise refusal(Invalid, "no_such_field", at="columns", role=request.role, field=field, fields=fields.reads)
        _present(column, register, "columns")
    guessed = guessed_columns(request.role, [name for name in register.names if name not in request.columns.values()])
    columns = guessed | {field: _present(column, register, "columns") for field, column in request.columns.items()}
    for needed in (("code",), fields.needs):
        if needed and not any(field in columns for field in needed):
            example = msgspec.json.encode({needed[0]: register.names[0]}).decode()
            raise refusal(Invalid, "no_heading", at="columns", field=needed[0], example=example, columns=register.names)
    return columns


def _items(request: FollowRegister, register: Register, board: Board) -> dict[str, str]:
    """The column of each item; a stock list counts at least one."""
    for item in request.items:
        if item not in board.item_of:
            raise refusal(Invalid, "no_item", at="items", item=item, items=list(board.item_of) or ["-"])
    if request.role not in ("stock", "notices"):
        return {}
    items = {item: _present(column, register, "items") for item, column in request.items.items()}
    items = items or guessed_items(request.role, list(board.item_of), register.names)
    if not items and request.role == "stock":
        example = msgspec.json.encode({next(iter(board.item_of), "item"): register.names[-1]}).decode()
        raise refusal(Invalid, "no_items", at="items", example=example, columns=register.names)
    return items


def _present(column: str, register: Register, field: str) -> str:
    """The column's present name; it may be asked by one it had before."""
    found = register.column(column)
    if found is None:
        raise refusal(Invalid, "no_such_column", at=field, column=column, columns=register.names)
    return found.name


def _refuse_twice(source: Source, others: Sequence[Source]) -> None:
    if len(others) >= SUPPLIES_SOURCES:
        raise refusal(Limit, "too_many", most=SUPPLIES_SOURCES)
    for other in others:
        twice = source.items.keys() & other.items.keys() if source.role == other.role == "stock" else ()
        if twice:
            raise refusal(Conflict, "item_fed", item=min(twice), source=other.id)


def refusal(kind: type[Problem], key: str, *, at: str = "", **values: str | int | Sequence[str]) -> Problem:
    """A refusal in both languages; `at` names the field that is wrong."""
    said: Mapping[str, str] = {
        name: "、".join(value) if isinstance(value, list | tuple) else str(value) for name, value in values.items()
    }
    title, remedy = (
        "{} ({})".format(*(MESSAGES.text(f"supplies.source.{part}", lang, **said) for lang in LANGUAGES))
        for part in (key, f"{key}_remedy")
    )
    return kind(title, remedy=remedy, fields=(FieldError(at, remedy),) if at else ())
