"""Every part of the open-data service; importing a part registers its operations, faces and pages on SERVICE."""

from __future__ import annotations

from banyan.service.opendata import (
    agencies,
    datasets,
    export,
    live,
    pages,
    publish,
    quality,
    requests,
    upload,
    uploads,
    usage,
    versions,
)
from banyan.service.opendata.answer import operation as answer_operation
from banyan.service.opendata.ckan import parts as ckan_parts
from banyan.service.opendata.find import operation as find_operation
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables import downloads, places, sql_operation
from banyan.service.opendata.tables import operations as table_operations

PARTS = (
    agencies,
    datasets,
    live,
    pages,
    publish,
    requests,
    upload,
    uploads,
    usage,
    versions,
    find_operation,
    answer_operation,
    ckan_parts,
    table_operations,
    sql_operation,
    downloads,
    places,
    export,
    quality,
)
__all__ = ["PARTS", "SERVICE"]
