"""Operations on agencies (CKAN organizations), themes (CKAN groups), tags and licences."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.service.opendata import registry
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.licences import LICENCES, Licence
from banyan.service.opendata.model import Agency, Contact, Theme
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.slugs import AnySlug, free_slug
from banyan.service.opendata.wording import refusal, unknown

Kind = TypeVar("Kind", Agency, Theme)
By = Callable[[Tx, str], Kind | None]
Put = Callable[[Tx, Kind], None]


class AgencyCount(msgspec.Struct, frozen=True):
    """An agency and how many public datasets it has."""

    agency: Agency
    datasets: int


class ThemeCount(msgspec.Struct, frozen=True):
    """A theme and how many public datasets are under it."""

    theme: Theme
    datasets: int


class Everything(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request without a choice: the whole list."""


class ByName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing by its name, its id, or a name it had before."""

    name: str


class SaveAgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Create or change an agency. Fields left out keep their value.

    It is found by `id`, else by `name`; when neither finds one a new one is made. With `id`, `name` renames it.
    """

    id: str = ""
    name: AnySlug = ""
    title: str | UnsetType = UNSET
    title_en: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    image_url: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    state: Literal["active", "deleted"] | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET


class SaveTheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Create or change a theme, found as an agency is."""

    id: str = ""
    name: AnySlug = ""
    title: str | UnsetType = UNSET
    title_en: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    image_url: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    state: Literal["active", "deleted"] | UnsetType = UNSET


def save_agency(tx: Tx, request: SaveAgency, now: EpochS) -> Agency:
    """Create or change an agency. Raises NotFound for an unknown id, Invalid without a title, Conflict on the name."""
    return _save(tx, request, now, Agency, by=registry.agency_by, put=registry.put_agency)


def agency_for(tx: Tx, text: str, now: EpochS) -> Agency:
    """The agency of that name, id or title; made when there is none, so that a first publish needs no preparation."""
    found = registry.agency_by(tx, text) or next(
        (agency for agency, _ in registry.all_agencies(tx) if text in (agency.title, agency.title_en)), None
    )
    return found or save_agency(tx, SaveAgency(title=text), now)


def save_theme(tx: Tx, request: SaveTheme, now: EpochS) -> Theme:
    """Create or change a theme. Raises NotFound for an unknown id, Invalid without a title, Conflict on the name."""
    return _save(tx, request, now, Theme, by=registry.theme_by, put=registry.put_theme)


def _save(
    tx: Tx, request: SaveAgency | SaveTheme, now: EpochS, kind: type[Kind], *, by: By[Kind], put: Put[Kind]
) -> Kind:
    found = by(tx, request.id or request.name)
    name, title = _first_words(request, found)
    made = found or kind(id=str(uuid.uuid4()), name=name or _free(tx, title), title=title, created=now)
    changed = msgspec.structs.replace(made, **_given(request))
    put(tx, changed)
    return changed


def _first_words(request: SaveAgency | SaveTheme, found: Agency | Theme | None) -> tuple[str, str]:
    if found is None and request.id:
        raise unknown("agency" if isinstance(request, SaveAgency) else "theme", request.id)
    title = request.title or request.name
    if found is None and not title:
        raise refusal(Invalid, "registry.no_title", field="title")
    return request.name, title


def _free(tx: Tx, title: str) -> str:
    return free_slug(title, lambda name: registry.agency_by(tx, name) is None and registry.theme_by(tx, name) is None)


def _given(request: SaveAgency | SaveTheme) -> dict[str, object]:
    fields = {field: getattr(request, field) for field in request.__struct_fields__ if field not in ("id", "name")}
    given = {field: value for field, value in fields.items() if value is not UNSET}
    # A name that found the thing is its own or an earlier one; only together with the id does it rename.
    return given | ({"name": request.name} if request.id and request.name else {})


@SERVICE.operation(
    "save_agency",
    title={"zh-Hant": "新增或修改機關", "en": "Create or change an agency"},
    summary={
        "zh-Hant": "沒有給的欄位維持原值；找不到名稱時新增。",
        "en": "Fields left out keep their value; an unknown name creates.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _save_agency(ctx: Context, request: SaveAgency) -> Agency:
    def job(tx: Tx) -> Agency:
        saved = save_agency(tx, request, ctx.now)
        announce(tx, "agency.saved", saved.name, {"id": saved.id, "title": saved.title, "state": saved.state}, ctx.now)
        return saved

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "save_theme",
    title={"zh-Hant": "新增或修改主題", "en": "Create or change a theme"},
    summary={
        "zh-Hant": "沒有給的欄位維持原值；找不到名稱時新增。",
        "en": "Fields left out keep their value; an unknown name creates.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _save_theme(ctx: Context, request: SaveTheme) -> Theme:
    return await ctx.db.sql.write(lambda tx: save_theme(tx, request, ctx.now))


@SERVICE.operation(
    "agencies",
    title={"zh-Hant": "機關清單", "en": "Agencies"},
    summary={"zh-Hant": "所有機關與公開資料集數。", "en": "Every agency with its count of public datasets."},
    data=OPEN,
    audience="public",
    keys=("機關", "單位", "agency"),
)
async def agencies(ctx: Context, request: Everything) -> list[AgencyCount]:
    return [AgencyCount(*pair) for pair in await ctx.db.sql.read(registry.all_agencies)]


@SERVICE.operation(
    "agency",
    title={"zh-Hant": "機關", "en": "One agency"},
    summary={"zh-Hant": "以名稱、代號或舊名稱查一個機關。", "en": "An agency by name, id or former name."},
    data=OPEN,
    audience="public",
    path="/api/opendata/agency/{name}",
)
async def agency(ctx: Context, request: ByName) -> AgencyCount:
    found = await _one(ctx, request.name, "agency", registry.agency_by)
    counts = await ctx.db.sql.read(registry.agency_counts)
    return AgencyCount(found, counts.get(found.id, 0))


@SERVICE.operation(
    "themes",
    title={"zh-Hant": "主題清單", "en": "Themes"},
    summary={"zh-Hant": "所有主題與公開資料集數。", "en": "Every theme with its count of public datasets."},
    data=OPEN,
    audience="public",
    keys=("主題", "分類", "theme"),
)
async def themes(ctx: Context, request: Everything) -> list[ThemeCount]:
    return [ThemeCount(*pair) for pair in await ctx.db.sql.read(registry.all_themes)]


@SERVICE.operation(
    "theme",
    title={"zh-Hant": "主題", "en": "One theme"},
    summary={"zh-Hant": "以名稱、代號或舊名稱查一個主題。", "en": "A theme by name, id or former name."},
    data=OPEN,
    audience="public",
    path="/api/opendata/theme/{name}",
)
async def theme(ctx: Context, request: ByName) -> ThemeCount:
    found = await _one(ctx, request.name, "theme", registry.theme_by)
    counts = await ctx.db.sql.read(registry.theme_counts)
    return ThemeCount(found, counts.get(found.name, 0))


async def _one(ctx: Context, name: str, called: str, by: By[Kind]) -> Kind:
    """What is deleted is shown to who may write only."""
    found = await ctx.db.sql.read(lambda tx: by(tx, name))
    if found is None or (found.state == "deleted" and not ctx.caller.may_write):
        raise unknown(called, name)
    return found


@SERVICE.operation(
    "tags",
    title={"zh-Hant": "標籤清單", "en": "Tags"},
    summary={"zh-Hant": "公開資料集的標籤與使用次數。", "en": "Tags of public datasets with their counts."},
    data=OPEN,
    audience="public",
)
async def tags(ctx: Context, request: Everything) -> dict[str, int]:
    return await ctx.db.sql.read(registry.tag_counts)


@SERVICE.operation(
    "licences",
    title={"zh-Hant": "授權條款清單", "en": "Licences"},
    summary={"zh-Hant": "資料集可用的授權條款。", "en": "The licences a dataset may carry."},
    data=OPEN,
    audience="public",
    keys=("授權", "licence"),
)
async def licences(ctx: Context, request: Everything) -> list[Licence]:
    return list(LICENCES.values())
