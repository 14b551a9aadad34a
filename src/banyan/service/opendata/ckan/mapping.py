"""Our nouns as CKAN's objects: dataset -> package, agency -> organization, theme -> group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from banyan.service.opendata.ckan.declared import declared
from banyan.service.opendata.model import Agency, Dataset, Resource, Theme
from banyan.wire.ckan import shapes
from banyan.wire.ckan.envelope import Json
from banyan.wire.ckan.moments import moment_text

WRITTEN = "/datastore.ndjson"
"""How the addresses of tables end that were written row by row (datastore_create) and have no file of their own."""


def body(found: Agency | Theme) -> shapes.Body:
    return shapes.Body(
        id=found.id,
        name=found.name,
        title=found.title,
        created=moment_text(found.created),
        description=found.description,
        image_url=found.image_url,
        state=found.state,
        is_organization=isinstance(found, Agency),
    )


def resource(found: Resource, dataset_id: str, site_url: str) -> shapes.Resource:
    """A resource of ours. What CKAN keeps and we have no field for lies in its extras."""
    extras = found.extras
    is_written = _is_written(found)
    modified = moment_text(found.last_modified)
    size = str(extras.get("size", ""))
    return shapes.Resource(
        id=found.id,
        package_id=dataset_id,
        name=found.name or None,
        url=address(found, site_url),
        created=moment_text(found.created),
        metadata_modified=modified,
        position=found.position,
        cache_last_updated=extras.get("cache_last_updated"),
        cache_url=extras.get("cache_url"),
        datastore_active=found.is_table or is_written,
        description=found.description or None,
        format=found.format,
        hash="" if is_written else found.hash or extras.get("hash", ""),
        last_modified=modified if found.url_type else extras.get("last_modified"),
        mimetype=None if is_written else found.mimetype or None,
        mimetype_inner=extras.get("mimetype_inner"),
        resource_type=extras.get("resource_type"),
        size=None if is_written else found.size or (int(size) if size.isascii() and size.isdigit() else None),
        state=found.state,
        url_type="datastore" if is_written else found.url_type or None,
        extras=extras,
    )


def _is_written(found: Resource) -> bool:
    return found.url.endswith(WRITTEN) or declared(found) is not None


def address(found: Resource, site_url: str) -> str:
    """Where the resource's data is: our own addresses are kept without the host, which may change."""
    if _is_written(found):
        return f"{site_url}/datastore/dump/{found.id}"
    return f"{site_url}{found.url}" if found.url.startswith("/") else found.url


def package(
    dataset: Dataset, agencies: Mapping[str, Agency], themes: Mapping[str, Theme], site_url: str
) -> dict[str, Json]:
    """`agencies` by id and `themes` by name hold at least the dataset's own."""
    agency = agencies.get(dataset.agency_id)
    return shapes.Package(
        id=dataset.id,
        name=dataset.name,
        title=dataset.title,
        metadata_created=moment_text(dataset.metadata_created),
        metadata_modified=moment_text(dataset.metadata_modified),
        author=dataset.author or None,
        author_email=dataset.author_email or None,
        creator_user_id=dataset.creator_user_id or None,
        license_id=dataset.licence_id or None,
        maintainer=dataset.maintainer or None,
        maintainer_email=dataset.maintainer_email or None,
        notes=dataset.notes or None,
        owner_org=dataset.agency_id or None,
        private=dataset.private,
        state=dataset.state,
        type=dataset.type,
        url=dataset.url or None,
        version=dataset.version or None,
        organization=body(agency) if agency else None,
        extras=dataset.extras,
        groups=tuple(body(themes[name]) for name in dataset.themes if name in themes),
        resources=tuple(resource(one, dataset.id, site_url) for one in dataset.resources if one.state == "active"),
        tags=dataset.tags,
    ).as_dict()


def listed(found: Iterable[tuple[Agency | Theme, int]]) -> list[dict[str, Json]]:
    """Agencies or themes with their number of datasets, as `*_list?all_fields=true` gives them."""
    return [body(one).listed(count) for one, count in found]
