"""One table as every view of it needs it: the dataset, the resource, the version served, and its links."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import FaceRequest
from banyan.service.opendata.model import Dataset, Resource, Version
from banyan.service.opendata.pages.addresses import dataset_path, resource_path
from banyan.service.opendata.pages.saying import Crumb, titled
from banyan.service.opendata.tables.export import Format
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery
from banyan.service.opendata.wording import unknown


class Shown(msgspec.Struct, frozen=True):
    """What a page of one resource is about."""

    dataset: Dataset
    resource: Resource
    version: Version | None
    answer: ResourceAnswer

    @property
    def path(self) -> str:
        return resource_path(self.dataset.name, self.resource.id)

    @property
    def scripts(self) -> tuple[str, ...]:
        """What every view of it loads."""
        return ("live.js",) if self.resource.live is not None else ()

    @property
    def table(self) -> Version:
        """The version served; NotFound for a resource without a table."""
        if self.version is None:
            raise unknown("version", self.resource.name)
        return self.version

    def values(self, view: str, lang: str, here: str = "") -> dict[str, Any]:
        """What the frame of every resource page shows; `here` is the last breadcrumb."""
        dataset = dataset_path(self.dataset.name)
        crumbs = [Crumb(titled(self.dataset, lang), dataset), Crumb(self.resource.name, self.path if here else "")]
        return {
            "dataset": self.dataset,
            "resource": self.resource,
            "version": self.version,
            "answer": self.answer,
            "path": self.path,
            "view": view,
            "formats": formats_of(self.version),
            "scripts": self.scripts,
            "has_map": self.version is not None and bool(self.version.geometry),
            "crumbs": [Crumb({"zh-Hant": "資料集", "en": "Datasets"}[lang], "/dataset"), *crumbs]
            + ([Crumb(here)] if here else []),
        }


async def shown(request: FaceRequest) -> Shown:
    """The resource of the path. Raises NotFound also when it is another dataset's."""
    answer: ResourceAnswer = await request.call("opendata.resource", ResourceQuery(request.params["id"]))
    if request.params["name"] not in (answer.dataset.name, answer.dataset.id):
        raise NotFound(request.params["id"])
    return Shown(answer.dataset, answer.resource, answer.version, answer)


def formats_of(version: Version | None) -> tuple[str, ...]:
    """The download formats a table can be had in; GeoJSON only with geometry."""
    if version is None:
        return ()
    return tuple(name for name in get_args(Format) if name != "geojson" or version.geometry in ("point", "shape"))
