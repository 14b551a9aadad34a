"""Actions that write packages: create, update, patch, revise, delete, purge."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from banyan.errors import Conflict, NotFound
from banyan.limits import DATASET_TAGS
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.packages import show
from banyan.service.opendata.ckan.saving_resources import resource_values, without_empty_names
from banyan.service.opendata.datasets import DatasetQuery, DeleteDataset, SaveDataset, SaveResource
from banyan.service.opendata.model import Dataset
from banyan.wire.ckan.envelope import Json, validation_error
from banyan.wire.ckan.values import Reader

PARAMS = (
    "id name title private author author_email maintainer maintainer_email license_id notes url version state type "
    "owner_org groups tags tag_string extras resources"
)
TEXTS = ("title", "author", "author_email", "maintainer", "maintainer_email", "notes", "url", "version", "type")
TAKEN = "That URL is already in use."


@action("package_create", "新增資料集。", "Create a dataset.", params=PARAMS, needs="create packages")
async def package_create(ask: Ask) -> Json:
    reader = ask.reader()
    name = reader.name()
    if not reader.text("owner_org"):
        reader.wrong("owner_org", "An organization must be provided")
    values = _values(reader, whole=False)
    reader.finish()
    saved = await _save(ask, {**values, "name": name, "id": reader.text("id"), "create": True})
    return await show(ask, saved.id)


@action("package_update", "改寫資料集。", "Replace a dataset.", params=PARAMS, needs="edit packages")
async def package_update(ask: Ask) -> Json:
    return await _change(ask, ask.params, whole=True)


@action("package_patch", "修改資料集；沒有給的欄位不變。", "Change a dataset.", params=PARAMS, needs="edit packages")
async def package_patch(ask: Ask) -> Json:
    return await _change(ask, ask.params, whole=False)


@action(
    "package_revise",
    "比對後修改資料集（match、update）。",
    "Change a dataset if it matches.",
    params="match update filter include",
    needs="edit packages",
)
async def package_revise(ask: Ask) -> Json:
    """`match` names the dataset and what must still hold; `update` is a patch. Other forms are refused."""
    reader = ask.reader()
    match, update = reader.json("match"), reader.json("update")
    for field in sorted(ask.params.keys() - {"match", "update", "include"}):
        reader.wrong(field, "Only match, update and include are supported; use package_patch or resource_patch")
    if not isinstance(match, Mapping) or not (match.get("id") or match.get("name")):
        reader.wrong("match", "Missing value")
    if update is not None and not isinstance(update, Mapping):
        reader.wrong("update", "Not a dict")
    reader.finish()
    assert isinstance(match, Mapping), "checked above"
    before = await show(ask, str(match.get("id") or match["name"]))
    different = sorted(key for key, value in match.items() if before.get(key) != value)
    if different:
        raise validation_error({"match": [f"{key} does not match" for key in different]})
    changes = update if isinstance(update, Mapping) else {}
    return {"package": await _change(ask, {**changes, "id": before["id"]}, whole=False)}


@action("package_delete", "刪除資料集（可還原）。", "Delete a dataset.", params="id", needs="delete packages")
async def package_delete(ask: Ask) -> Json:
    return await _delete(ask, purge=False)


@action("dataset_purge", "永久刪除資料集。", "Delete a dataset for good.", params="id", needs="purge packages")
async def dataset_purge(ask: Ask) -> Json:
    return await _delete(ask, purge=True)


async def _delete(ask: Ask, *, purge: bool) -> Json:
    reader = ask.reader()
    name = reader.required("id")
    reader.finish()
    await ask.call("delete_dataset", DeleteDataset(name, purge=purge))
    return None


async def _change(ask: Ask, params: Mapping[str, Json], *, whole: bool) -> Json:
    reader = Reader(params)
    key = reader.text("id") or reader.required("name", said_of="id")
    name = reader.name() if reader.has("name") else ""
    if whole and not reader.text("owner_org"):
        reader.wrong("owner_org", "An organization must be provided")
    values = _values(reader, whole=whole)
    reader.finish()
    found: Dataset = await ask.call("dataset", DatasetQuery(key))
    renamed = name if name and name != found.name else ""
    await _save(ask, {**values, "id": found.id, "name": renamed})
    return await show(ask, found.id)


async def _save(ask: Ask, values: dict[str, object]) -> Dataset:
    """Raises CKAN's own words for a name taken and an unknown organization."""
    wanted = msgspec.convert(without_empty_names(values), SaveDataset)
    try:
        saved: Dataset = await ask.call("save_dataset", wanted)
    except Conflict as problem:
        wrong = {"id": ["Dataset id already exists"]} if problem.fields else {"name": [TAKEN]}
        raise validation_error(wrong) from problem
    except NotFound as problem:
        if wanted.id and not wanted.create:
            raise
        wrong = {"owner_org": ["Organization does not exist"]} if values.get("agency") else {"groups": ["Not found"]}
        raise validation_error(wrong) from problem
    return saved


def _values(reader: Reader, *, whole: bool) -> dict[str, object]:
    """The fields given, under our names; with `whole`, CKAN's other fields are emptied, as its update does."""
    values: dict[str, object] = {field: reader.text(field) for field in TEXTS if reader.has(field)}
    if reader.has("license_id"):
        values["licence_id"] = reader.text("license_id")
    if reader.has("owner_org"):
        values["agency"] = reader.text("owner_org")
    if reader.has("private"):
        values["private"] = reader.flag("private")
    if reader.has("state"):
        values["state"] = reader.one_of("state", ("active", "deleted", "draft"), "active")
    if reader.has("groups"):
        values["themes"] = tuple(_key_of(row) for row in reader.rows("groups") if _key_of(row))
    if reader.has("tags") or reader.has("tag_string"):
        values["tags"] = _tags(reader)
    if reader.has("extras"):
        values["extras"] = _extras(reader)
    if reader.has("resources"):
        values["resources"] = _resources(reader)
    return (_emptied() | values) if whole else values


def _emptied() -> dict[str, object]:
    texts: dict[str, object] = {field: "" for field in TEXTS if field not in ("title", "type")}
    return texts | {"licence_id": "", "themes": (), "tags": (), "extras": (), "resources": ()}


def _key_of(row: Mapping[str, Json]) -> str:
    return str(row.get("name") or row.get("id") or "")


def _tags(reader: Reader) -> tuple[str, ...]:
    names = [str(row.get("name") or "").strip() for row in reader.rows("tags")]
    names += [part.strip() for part in reader.text("tag_string").split(",")]
    found = tuple(name for name in names if name)
    for name in found[:DATASET_TAGS]:
        if not 2 <= len(name) <= 100 and not any(char >= "\u2e80" for char in name):
            reader.wrong("tags", f'Tag "{name[:100]}" must be 2 to 100 characters long')
    return found


def _extras(reader: Reader) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for row in reader.rows("extras"):
        key, value = str(row.get("key") or ""), row.get("value")
        if not key:
            reader.wrong("extras", "Missing value")
        elif key in found:
            reader.wrong("extras", f'Duplicate key "{key}"')
        elif value is not None:
            found[key] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return tuple(found.items())


def _resources(reader: Reader) -> tuple[SaveResource, ...]:
    rows = []
    for row in reader.rows("resources"):
        inner = Reader(row)
        rows.append(msgspec.convert(resource_values(inner, whole=True), SaveResource))
        for field, sentences in inner.errors.items():
            reader.wrong(
                f"resources.{field}", *(str(one) for one in (sentences if isinstance(sentences, list) else []))
            )
    return tuple(rows)
