"""Work of the publisher on a dataset: its description, and a live source that was held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from banyan.craft.form import Field, fields_of, read_form
from banyan.errors import Denied, FieldError, Invalid
from banyan.kernel.catalogue import FaceRequest, View
from banyan.service.opendata.agencies import Everything
from banyan.service.opendata.datasets import DatasetQuery, SaveDataset
from banyan.service.opendata.licences import LICENCES
from banyan.service.opendata.live import FollowNow
from banyan.service.opendata.model import Dataset
from banyan.service.opendata.pages.addresses import dataset_path, resource_path
from banyan.service.opendata.pages.requests import said
from banyan.service.opendata.pages.saying import Crumb, titled
from banyan.service.opendata.service import SERVICE

TITLE = {"zh-Hant": "編輯描述", "en": "Edit the description"}
EDITED = (
    "title",
    "title_en",
    "notes",
    "notes_en",
    "agency",
    "licence_id",
    "tags",
    "themes",
    "frequency",
    "spatial",
    "temporal_from",
    "temporal_to",
)


@SERVICE.page("GET", path="/dataset/{name}/edit")
async def edit(request: FaceRequest) -> View:
    """The form with the present description."""
    _check(request)
    dataset: Dataset = await request.call("opendata.dataset", DatasetQuery(request.params["name"]))
    agencies = {item.agency.id: item.agency.name for item in await request.call("opendata.agencies", Everything())}
    given = {
        name: "\n".join(value) if isinstance(value, tuple) else str(value)
        for name in EDITED
        if name != "agency"
        for value in (getattr(dataset, name),)
    }
    return await _form(request, dataset, {**given, "agency": agencies.get(dataset.agency_id, "")}, ())


@SERVICE.page("POST", path="/dataset/{name}/edit")
async def save(request: FaceRequest) -> View:
    """Save what the form holds; an emptied field is emptied."""
    form = await request.form()
    dataset: Dataset = await request.call("opendata.dataset", DatasetQuery(request.params["name"]))
    fields = _fields()
    answers = [pair for pair in form.fields if pair[0] in EDITED]
    try:
        asked = read_form(SaveDataset, fields, [*answers, ("id", dataset.id)], lang=request.lang)
        emptied: dict[str, object] = {
            name: () if name in ("tags", "themes") else "" for name, value in answers if not value.strip()
        }
        await request.call("opendata.save_dataset", msgspec.structs.replace(asked, **emptied))
    except Invalid as invalid:
        return await _form(request, dataset, dict(form.fields), invalid.fields)
    return View("", {}, redirect=dataset_path(dataset.name), status=303)


@SERVICE.page("POST", path="/dataset/{name}/resource/{id}/live")
async def look_now(request: FaceRequest) -> View:
    """Look at a live source now; `accept` takes what was held back for its lost columns or rows."""
    form = await request.form()
    accept = tuple(value for name, value in form.fields if name == "accept")
    given = {"resource": request.params["id"], "accept": accept}
    await request.call("opendata.follow_now", msgspec.convert(given, FollowNow))
    return View("", {}, redirect=resource_path(request.params["name"], request.params["id"]), status=303)


def _check(request: FaceRequest) -> None:
    if not request.caller.may_write:
        raise Denied(TITLE[request.lang])


def _fields() -> tuple[Field, ...]:
    return tuple(field for field in fields_of(SaveDataset, said) if field.name in (*EDITED, "id"))


async def _form(request: FaceRequest, dataset: Dataset, given: Mapping[str, str], errors: Sequence[FieldError]) -> View:
    values = {
        "dataset": dataset,
        "path": dataset_path(dataset.name),
        "fields": {field.name: field for field in _fields()},
        "given": given,
        "errors": errors,
        "agencies": await request.call("opendata.agencies", Everything()),
        "themes": await request.call("opendata.themes", Everything()),
        "licences": list(LICENCES.values()),
        "crumbs": (Crumb(titled(dataset, request.lang), dataset_path(dataset.name)), Crumb(TITLE[request.lang])),
    }
    return View("opendata/edit.html", values, title=TITLE[request.lang], status=422 if errors else 200)
