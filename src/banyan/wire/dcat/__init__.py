"""DCAT-AP 3.0.1: catalogue descriptions as Turtle, JSON-LD and RDF/XML."""

from banyan.wire.dcat.documents import MEDIA_TYPES, Syntax, catalog_chunks, dataset_bytes
from banyan.wire.dcat.model import (
    Agent,
    BBox,
    Catalog,
    ContactPoint,
    Dataset,
    Distribution,
    Licence,
    Measurement,
    Paging,
    Period,
    Place,
    Service,
    Texts,
)

__all__ = [
    "MEDIA_TYPES",
    "Agent",
    "BBox",
    "Catalog",
    "ContactPoint",
    "Dataset",
    "Distribution",
    "Licence",
    "Measurement",
    "Paging",
    "Period",
    "Place",
    "Service",
    "Syntax",
    "Texts",
    "catalog_chunks",
    "dataset_bytes",
]
