"""Operations on datasets and their resources: read, save, delete, restore.

A save changes only the fields that are given. What the node itself knows of a resource (its versions, size, hash, live
state) is never taken from a request.
"""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.limits import DATASET_RESOURCES, DATASET_TAGS
from banyan.service.opendata import files, registry, searching, usage
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.disclosing import of_dataset
from banyan.service.opendata.licences import KNOWN_LICENCES
from banyan.service.opendata.model import Contact, Dataset, Resource
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.slugs import AnyId, AnySlug, free_slug
from banyan.service.opendata.wording import refusal, unknown

Pairs = tuple[tuple[str, str], ...]


class SaveResource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says about a resource. Fields left out keep their value; without `id` it is a new one."""

    id: AnyId = ""
    dataset: str = ""
    """Name or id of the dataset; not needed when the resource exists or stands inside a dataset."""
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    format: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    mimetype: str | UnsetType = UNSET
    encoding: str | UnsetType = UNSET
    key: tuple[str, ...] | UnsetType = UNSET
    extras: dict[str, str] | UnsetType = UNSET
    aliases: tuple[str, ...] | UnsetType = UNSET
    """Other names its table answers to (CKAN DataStore aliases)."""


class SaveDataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Create or change a dataset. Fields left out keep their value.

    It is found by `id`, else by `name`; when neither finds one a new one is made. With `id`, `name` renames it, and
    the old name still leads to it. `agency` and `themes` are names or ids. `resources`, when given, is the whole list
    in order: one that is left out is removed. `create` insists that it is new.
    """

    id: AnyId = ""
    name: AnySlug = ""
    create: bool = False
    title: str | UnsetType = UNSET
    title_en: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    notes_en: str | UnsetType = UNSET
    agency: str | UnsetType = UNSET
    licence_id: str | UnsetType = UNSET
    author: str | UnsetType = UNSET
    author_email: str | UnsetType = UNSET
    maintainer: str | UnsetType = UNSET
    maintainer_email: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    private: bool | UnsetType = UNSET
    state: Literal["active", "deleted", "draft"] | UnsetType = UNSET
    type: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    themes: tuple[str, ...] | UnsetType = UNSET
    extras: Pairs | UnsetType = UNSET
    resources: tuple[SaveResource, ...] | UnsetType = UNSET
    identifier: str | UnsetType = UNSET
    frequency: str | UnsetType = UNSET
    spatial: str | UnsetType = UNSET
    temporal_from: str | UnsetType = UNSET
    temporal_to: str | UnsetType = UNSET
    language: tuple[str, ...] | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET
    national: dict[str, str] | UnsetType = UNSET


class DatasetQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dataset by its name, its id, or a name it had before (then the answer's name is the new one)."""

    name: str


class DeleteDataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`purge` removes it with every version for good; without it, it is hidden and can be restored by a save with
    `state` active."""

    name: str
    purge: bool = False


class ResourceId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str


_ELSEWHERE = ("id", "name", "create", "agency", "themes", "resources", "dataset", "aliases")


def save_dataset(tx: Tx, request: SaveDataset, now: EpochS) -> tuple[Dataset, list[files.FileRef]]:
    """Create or change a dataset in this transaction; with the files of removed resources that may be swept.

    Raises NotFound for an unknown id, agency or theme; Invalid for a missing title, an unknown licence or too many
    tags or resources; Conflict when the name is another's.
    """
    found = registry.dataset_by(tx, request.id or request.name) if request.id or request.name else None
    if found is not None and request.create:
        raise registry.name_taken(found.name)
    if found is None and request.id and not request.create:
        raise unknown("dataset", request.id)
    dataset = found or _new(tx, request, now)
    changed = msgspec.structs.replace(dataset, **(_given(request) | _resolved(tx, request)), metadata_modified=now)
    swept: list[files.FileRef] = []
    if request.resources is not UNSET:
        resources = tuple(_resource(tx, dataset, one, now) for one in request.resources)
        changed = msgspec.structs.replace(changed, resources=_in_order(resources))
        kept = {resource.id for resource in resources}
        for gone in (resource for resource in dataset.resources if resource.id not in kept):
            swept += files.release_resource(tx, gone, now)
    _check(changed)
    registry.put_dataset(tx, changed)
    return changed, swept


def save_resource(tx: Tx, dataset: Dataset, request: SaveResource, now: EpochS) -> tuple[Dataset, Resource]:
    """Add a resource to a dataset, or change one of its own."""
    resource = _resource(tx, dataset, request, now)
    changed = registry.put_resource(tx, msgspec.structs.replace(dataset, metadata_modified=now), resource)
    _check(changed)
    return changed, resource


def _new(tx: Tx, request: SaveDataset, now: EpochS) -> Dataset:
    title = request.title or request.name
    if not title:
        raise refusal(Invalid, "registry.no_title", field="title")
    name = request.name or free_slug(title, lambda name: registry.dataset_by(tx, name) is None)
    return Dataset(
        id=request.id or str(uuid.uuid4()), name=name, title=title, metadata_created=now, metadata_modified=now
    )


def _given(request: SaveDataset | SaveResource) -> dict[str, object]:
    fields = {field: getattr(request, field) for field in request.__struct_fields__ if field not in _ELSEWHERE}
    return {field: value for field, value in fields.items() if value is not UNSET}


def _resolved(tx: Tx, request: SaveDataset) -> dict[str, object]:
    """The fields that name other things, as the registry knows them."""
    values: dict[str, object] = {"name": request.name} if request.id and request.name else {}
    if request.agency is not UNSET:
        agency = registry.agency_by(tx, request.agency) if request.agency else None
        if request.agency and agency is None:
            raise unknown("agency", request.agency)
        values["agency_id"] = agency.id if agency else ""
    if request.themes is not UNSET:
        themes = []
        for name in request.themes:
            theme = registry.theme_by(tx, name)
            if theme is None:
                raise unknown("theme", name)
            themes.append(theme.name)
        values["themes"] = tuple(dict.fromkeys(themes))
    if request.tags is not UNSET:
        values["tags"] = tuple(sorted({tag.strip() for tag in request.tags if tag.strip()}))
    return values


def _resource(tx: Tx, dataset: Dataset, request: SaveResource, now: EpochS) -> Resource:
    before = next((one for one in dataset.resources if one.id == request.id), None)
    if before is None and request.id and registry.resource_by(tx, request.id) is not None:
        raise refusal(Conflict, "registry.resource_elsewhere", field="id", id=request.id)
    resource = before or Resource(
        id=request.id or str(uuid.uuid4()), name="", created=now, last_modified=now, position=len(dataset.resources)
    )
    given = _given(request) | ({} if request.name is UNSET else {"name": request.name})
    changed = msgspec.structs.replace(resource, **given)
    if changed.url_type and changed.url != resource.url:
        changed = msgspec.structs.replace(changed, url=resource.url)  # a stored file's address is ours to say
    if request.aliases is not UNSET:
        registry.set_aliases(tx, changed.id, request.aliases)
    return changed if changed == resource else msgspec.structs.replace(changed, last_modified=now)


def _in_order(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    return tuple(msgspec.structs.replace(one, position=at) for at, one in enumerate(resources))


def _check(dataset: Dataset) -> None:
    if not dataset.title.strip():
        raise refusal(Invalid, "registry.no_title", field="title")
    if dataset.licence_id and dataset.licence_id not in KNOWN_LICENCES:
        raise refusal(Invalid, "registry.unknown_licence", field="licence_id", id=dataset.licence_id)
    if len(dataset.tags) > DATASET_TAGS:
        raise refusal(Invalid, "registry.too_many_tags", field="tags", most=DATASET_TAGS)
    if len({resource.id for resource in dataset.resources}) < len(dataset.resources):
        raise refusal(Invalid, "registry.resource_twice", field="resources")
    if len(dataset.resources) > DATASET_RESOURCES:
        raise refusal(Invalid, "registry.too_many_resources", field="resources", most=DATASET_RESOURCES)


@SERVICE.operation(
    "dataset",
    title={"zh-Hant": "資料集", "en": "One dataset"},
    summary={
        "zh-Hant": "以名稱、代號或舊名稱查一個資料集的全部描述。",
        "en": "Everything said about a dataset, by name, id or former name.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/dataset/{name}",
)
async def dataset(ctx: Context, request: DatasetQuery) -> Dataset:
    """Raises NotFound; a hidden dataset is not found either, except by the administrator."""
    found = await ctx.db.sql.read(lambda tx: registry.dataset_by(tx, request.name))
    if found is None or not (found.is_public or ctx.caller.may_write):
        raise unknown("dataset", request.name)
    if ctx.caller.kind != "system":
        usage.note(ctx.db, found.id, "views" if ctx.caller.channel == "web" else "calls", ctx.now)
    return found if ctx.caller.may_write else of_dataset(found)


@SERVICE.operation(
    "save_dataset",
    title={"zh-Hant": "新增或修改資料集", "en": "Create or change a dataset"},
    summary={
        "zh-Hant": "沒有給的欄位維持原值；改名後，舊名稱仍可找到它。",
        "en": "Fields left out keep their value; after a rename the old name still leads to it.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _save_dataset(ctx: Context, request: SaveDataset) -> Dataset:
    def job(tx: Tx) -> tuple[Dataset, list[files.FileRef]]:
        saved, swept = save_dataset(tx, request, ctx.now)
        announce(tx, "dataset.saved", saved.name, {"id": saved.id, "title": saved.title, "state": saved.state}, ctx.now)
        return saved, swept

    saved, swept = await ctx.db.sql.write(job)
    await files.sweep(ctx.db, swept)
    await searching.refresh(ctx.db, saved.id)
    return saved


@SERVICE.operation(
    "delete_dataset",
    title={"zh-Hant": "刪除資料集", "en": "Delete a dataset"},
    summary={
        "zh-Hant": "隱藏資料集（可還原）；purge 則連同所有版本永久刪除。",
        "en": "Hides a dataset (it can be restored); with purge it is removed for good with every version.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _delete_dataset(ctx: Context, request: DeleteDataset) -> Dataset:
    def job(tx: Tx) -> tuple[Dataset, list[files.FileRef]]:
        found = registry.dataset_by(tx, request.name)
        if found is None:
            raise unknown("dataset", request.name)
        gone = msgspec.structs.replace(found, state="deleted", metadata_modified=ctx.now)
        swept: list[files.FileRef] = []
        if request.purge:
            for resource in found.resources:
                swept += files.release_resource(tx, resource, ctx.now)
            registry.purge_dataset(tx, found)
        else:
            registry.put_dataset(tx, gone)
        announce(tx, "dataset.deleted", gone.name, {"id": gone.id, "purged": request.purge}, ctx.now)
        return gone, swept

    gone, swept = await ctx.db.sql.write(job)
    await files.sweep(ctx.db, swept)
    await searching.refresh(ctx.db, gone.id)
    return gone


@SERVICE.operation(
    "save_resource",
    title={"zh-Hant": "新增或修改資料資源", "en": "Create or change a resource"},
    summary={
        "zh-Hant": "資源的名稱、說明、連結與別名；檔案本身用發布。",
        "en": "A resource's name, description, link and aliases; its file goes through publish.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _save_resource(ctx: Context, request: SaveResource) -> Resource:
    def job(tx: Tx) -> tuple[Dataset, Resource]:
        owned = registry.resource_by(tx, request.id) if request.id else None
        found = owned[0] if owned else registry.dataset_by(tx, request.dataset)
        if found is None:
            raise unknown("dataset", request.dataset)
        return save_resource(tx, found, request, ctx.now)

    saved, resource = await ctx.db.sql.write(job)
    await searching.refresh(ctx.db, saved.id)
    return resource


@SERVICE.operation(
    "delete_resource",
    title={"zh-Hant": "刪除資料資源", "en": "Delete a resource"},
    summary={
        "zh-Hant": "從資料集移除一個資源與它的所有版本。",
        "en": "Removes a resource from its dataset, with every version.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def _delete_resource(ctx: Context, request: ResourceId) -> Dataset:
    def job(tx: Tx) -> tuple[Dataset, list[files.FileRef]]:
        owned = registry.resource_by(tx, request.id)
        if owned is None:
            raise unknown("resource", request.id)
        found, gone = owned
        left = _in_order(tuple(one for one in found.resources if one.id != gone.id))
        changed = msgspec.structs.replace(found, resources=left, metadata_modified=ctx.now)
        registry.put_dataset(tx, changed)
        return changed, files.release_resource(tx, gone, ctx.now)

    changed, swept = await ctx.db.sql.write(job)
    await files.sweep(ctx.db, swept)
    await searching.refresh(ctx.db, changed.id)
    return changed
