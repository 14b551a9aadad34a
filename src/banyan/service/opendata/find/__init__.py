"""Searching the catalogue: the text index finds, the shelf filters, sorts and counts."""

from banyan.service.opendata.find.operation import (
    FacetValue,
    FindDatasets,
    Found,
    Hit,
    NamesPage,
    dataset_names,
    find_datasets,
)

__all__ = ["FacetValue", "FindDatasets", "Found", "Hit", "NamesPage", "dataset_names", "find_datasets"]
