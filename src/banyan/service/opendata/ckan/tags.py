"""Actions on tags. A tag is a word on datasets and has no record of its own."""

from __future__ import annotations

from banyan.kernel.storage import fold
from banyan.limits import CKAN_SEARCH_ROWS, PAGE_ROWS
from banyan.service.opendata.agencies import Everything
from banyan.service.opendata.ckan.action import Ask, action
from banyan.service.opendata.ckan.packages import packages_of
from banyan.service.opendata.find import FindDatasets
from banyan.wire.ckan.envelope import Json, not_found
from banyan.wire.ckan.shapes import tag_dict


@action("tag_list", "標籤清單。", "The tags in use.", params="query vocabulary_id all_fields")
async def tag_list(ask: Ask) -> Json:
    reader = ask.reader()
    names = await _names(ask, reader.text("query"))
    if reader.text("vocabulary_id"):
        raise not_found(f'could not find vocabulary "{reader.text("vocabulary_id")}"')
    every = reader.flag("all_fields")
    reader.finish()
    return [tag_dict(name) for name in names] if every else list(names)


@action("tag_search", "搜尋標籤。", "Search tags.", params="query limit offset")
async def tag_search(ask: Ask) -> Json:
    reader = ask.reader()
    names = await _names(ask, reader.text("query") or reader.text("q"))
    offset, limit = reader.natural("offset", 0), reader.natural("limit", PAGE_ROWS)
    reader.finish()
    return {"count": len(names), "results": [tag_dict(name) for name in names[offset : offset + limit]]}


@action("tag_autocomplete", "以這些字開頭或含有這些字的標籤。", "Tags that hold the text.", params="query limit offset")
async def tag_autocomplete(ask: Ask) -> Json:
    reader = ask.reader()
    names = await _names(ask, reader.text("query") or reader.text("q"))
    offset, limit = reader.natural("offset", 0), reader.natural("limit", 10)
    reader.finish()
    return list(names[offset : offset + limit])


@action("tag_show", "一個標籤與它的資料集。", "A tag and its datasets.", params="id include_datasets")
async def tag_show(ask: Ask) -> Json:
    reader = ask.reader()
    name = reader.required("id")
    with_datasets = reader.flag("include_datasets")
    reader.finish()
    found = next((tag_dict(tag) for tag in await _names(ask, "") if name in (tag, tag_dict(tag)["id"])), None)
    if found is None:
        raise not_found()
    if with_datasets:
        tag = str(found["name"])
        page = await ask.call("find_datasets", FindDatasets(tag=(tag,), rows=CKAN_SEARCH_ROWS))
        found["packages"] = list(packages_of(page, ask))
    return found


async def _names(ask: Ask, query: str) -> list[str]:
    """The tags that hold the query's letters, folded (臺 and 台 are the same)."""
    wanted = fold(query)
    return [name for name in await ask.call("tags", Everything()) if wanted in fold(name)]
