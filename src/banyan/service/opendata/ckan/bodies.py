"""Actions on organizations (our agencies) and groups (our themes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.storage import fold
from banyan.limits import CKAN_SEARCH_ROWS, PAGE_ROWS
from banyan.service.opendata.agencies import AgencyCount, ByName, Everything, SaveAgency, SaveTheme, ThemeCount
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.mapping import body
from banyan.service.opendata.ckan.packages import packages_of
from banyan.service.opendata.ckan.saving_resources import without_empty_names
from banyan.service.opendata.find import FindDatasets
from banyan.service.opendata.model import Agency, Theme
from banyan.wire.ckan.envelope import ActionError, Json, not_found, validation_error
from banyan.wire.ckan.values import Reader

Kind = Literal["organization", "group"]
LIST_PARAMS = "all_fields sort order_by limit offset organizations groups type include_extras include_users"
SHOW_PARAMS = "id include_datasets include_dataset_count include_extras include_users include_groups include_tags"
SAVE_PARAMS = "id name title description image_url state extras"
SORTS = ("name", "title", "package_count", "packages")


@action("organization_list", "機關清單。", "The organizations.", params=LIST_PARAMS)
async def organization_list(ask: Ask) -> Json:
    return await _list(ask, "organization")


@action("group_list", "主題清單。", "The groups.", params=LIST_PARAMS)
async def group_list(ask: Ask) -> Json:
    return await _list(ask, "group")


@action("organization_show", "一個機關。", "An organization.", params=SHOW_PARAMS)
async def organization_show(ask: Ask) -> Json:
    return await _show(ask, "organization")


@action("group_show", "一個主題。", "A group.", params=SHOW_PARAMS)
async def group_show(ask: Ask) -> Json:
    return await _show(ask, "group")


@action("group_package_show", "主題下的資料集。", "The datasets of a group.", params="id limit")
async def group_package_show(ask: Ask) -> Json:
    reader = ask.reader()
    name = reader.required("id")
    limit = min(reader.natural("limit", CKAN_SEARCH_ROWS), CKAN_SEARCH_ROWS)
    reader.finish()
    found, _ = await _one(ask, "group", name)
    return list(packages_of(await ask.call("find_datasets", _within("group", found.name, limit)), ask))


@action("organization_autocomplete", "名稱含有這些字的機關。", "Organizations that hold the text.", params="q limit")
async def organization_autocomplete(ask: Ask) -> Json:
    return await _autocomplete(ask, "organization")


@action("group_autocomplete", "名稱含有這些字的主題。", "Groups that hold the text.", params="q limit")
async def group_autocomplete(ask: Ask) -> Json:
    return await _autocomplete(ask, "group")


@action("organization_list_for_user", "可以發布的機關。", "Organizations one may publish for.", params="permission")
async def organization_list_for_user(ask: Ask) -> Json:
    if not ask.request.caller.may_write:
        return []
    return [{**body(one).listed(count), "capacity": "admin"} for one, count in await _counted(ask, "organization")]


@action(
    "organization_create", "新增機關。", "Create an organization.", params=SAVE_PARAMS, needs="create organizations"
)
async def organization_create(ask: Ask) -> Json:
    return await _create(ask, "organization")


@action("group_create", "新增主題。", "Create a group.", params=SAVE_PARAMS, needs="create groups")
async def group_create(ask: Ask) -> Json:
    return await _create(ask, "group")


@action("organization_update", "改寫機關。", "Replace an organization.", params=SAVE_PARAMS, needs="edit organizations")
async def organization_update(ask: Ask) -> Json:
    return await _change(ask, "organization", whole=True)


@action("group_update", "改寫主題。", "Replace a group.", params=SAVE_PARAMS, needs="edit groups")
async def group_update(ask: Ask) -> Json:
    return await _change(ask, "group", whole=True)


@action("organization_patch", "修改機關。", "Change an organization.", params=SAVE_PARAMS, needs="edit organizations")
async def organization_patch(ask: Ask) -> Json:
    return await _change(ask, "organization", whole=False)


@action("group_patch", "修改主題。", "Change a group.", params=SAVE_PARAMS, needs="edit groups")
async def group_patch(ask: Ask) -> Json:
    return await _change(ask, "group", whole=False)


@action("organization_delete", "刪除機關。", "Delete an organization.", params="id", needs="delete organizations")
async def organization_delete(ask: Ask) -> Json:
    return await _delete(ask, "organization")


@action("group_delete", "刪除主題。", "Delete a group.", params="id", needs="delete groups")
async def group_delete(ask: Ask) -> Json:
    return await _delete(ask, "group")


async def _counted(ask: Ask, kind: Kind) -> list[tuple[Agency | Theme, int]]:
    if kind == "organization":
        return [(one.agency, one.datasets) for one in await ask.call("agencies", Everything())]
    return [(one.theme, one.datasets) for one in await ask.call("themes", Everything())]


async def _one(ask: Ask, kind: Kind, name: str) -> tuple[Agency | Theme, int]:
    """Raises the 404 of CKAN."""
    try:
        found: AgencyCount | ThemeCount = await ask.call("agency" if kind == "organization" else "theme", ByName(name))
    except NotFound as problem:
        raise not_found() from problem
    return (found.agency if isinstance(found, AgencyCount) else found.theme), found.datasets


async def _list(ask: Ask, kind: Kind) -> Json:
    reader = ask.reader()
    field, descending = _sort(reader)
    limit, offset = reader.natural("limit", 2**31), reader.natural("offset", 0)
    every = reader.flag("all_fields")
    chosen = set(reader.texts(f"{kind}s"))
    reader.finish()
    found = await _counted(ask, kind)
    if chosen:
        found = [pair for pair in found if pair[0].name in chosen or pair[0].id in chosen]
    found.sort(key=lambda pair: pair[1] if field == "packages" else getattr(pair[0], field), reverse=descending)
    found = found[offset : offset + limit]
    return [body(one).listed(count) for one, count in found] if every else [one.name for one, _ in found]


def _sort(reader: Reader) -> tuple[str, bool]:
    field, _, way = (reader.text("sort") or reader.text("order_by") or "title asc").strip().partition(" ")
    if field not in SORTS or way.strip() not in ("", "asc", "desc"):
        reader.wrong("sort", f"Cannot sort by field `{field}`")
    return ("packages" if field == "package_count" else field), way.strip() == "desc"


async def _show(ask: Ask, kind: Kind) -> Json:
    reader = ask.reader()
    name = reader.required("id")
    with_datasets = reader.flag("include_datasets")
    without = {part for part in ("users", "extras", "groups") if not reader.flag(f"include_{part}", default=True)}
    reader.finish()
    found, count = await _one(ask, kind, name)
    shown = body(found).listed(count)
    if with_datasets:
        page = await ask.call("find_datasets", _within(kind, found.name, CKAN_SEARCH_ROWS))
        shown["packages"] = list(packages_of(page, ask))
    # Officers are not listed to the public, and bodies have neither extras nor parents here.
    return shown | {part: [] for part in ("users", "extras", "groups") if part not in without}


def _within(kind: Kind, name: str, rows: int) -> FindDatasets:
    if kind == "organization":
        return FindDatasets(agency=(name,), rows=rows)
    return FindDatasets(theme=(name,), rows=rows)


async def _autocomplete(ask: Ask, kind: Kind) -> Json:
    reader = ask.reader()
    wanted = fold(reader.required("q"))
    limit = min(reader.natural("limit", 20), PAGE_ROWS)
    reader.finish()
    found = [one for one, _ in await _counted(ask, kind) if wanted in fold(f"{one.name} {one.title} {one.title_en}")]
    return [{"id": one.id, "name": one.name, "title": one.title} for one in found[:limit]]


async def _create(ask: Ask, kind: Kind) -> Json:
    reader = ask.reader()
    name = reader.name()
    given = _texts(reader, whole=False)
    reader.finish()
    try:
        await _one(ask, kind, name)
    except ActionError as error:
        if error.status != 404:
            raise
    else:
        raise validation_error({"name": ["Group name already exists in database"]})
    return await _save(ask, kind, {"name": name, "title": name, **given})


async def _change(ask: Ask, kind: Kind, *, whole: bool) -> Json:
    reader = ask.reader()
    id = reader.required("id")
    name = reader.name() if reader.has("name") else ""
    given = _texts(reader, whole=whole)
    reader.finish()
    found, _ = await _one(ask, kind, id)
    name = "" if name == found.name else name
    return await _save(ask, kind, {"id": found.id, "name": name, **given})


async def _delete(ask: Ask, kind: Kind) -> Json:
    reader = ask.reader()
    id = reader.required("id")
    reader.finish()
    found, _ = await _one(ask, kind, id)
    await _save(ask, kind, {"id": found.id, "state": "deleted"})
    return None


async def _save(ask: Ask, kind: Kind, values: Mapping[str, str]) -> Json:
    saved: Agency | Theme
    if kind == "organization":
        saved = await ask.call("save_agency", msgspec.convert(without_empty_names(values), SaveAgency))
    else:
        saved = await ask.call("save_theme", msgspec.convert(without_empty_names(values), SaveTheme))
    _, count = await _one(ask, kind, saved.id)
    return body(saved).listed(count) | {"users": [], "extras": [], "groups": []}


def _texts(reader: Reader, *, whole: bool) -> dict[str, str]:
    """The fields given; with `whole`, those left out are emptied, as an update of CKAN does."""
    given = {field: reader.text(field) for field in ("title", "description", "image_url") if reader.has(field)}
    if reader.has("state"):
        given["state"] = reader.one_of("state", ("active", "deleted"), "active")
    return ({"description": "", "image_url": ""} | given) if whole else given
