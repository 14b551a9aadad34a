"""Addresses of the pages of open data, and of the same question in the API."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode


def with_pairs(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """`path` with the pairs that say something."""
    query = urlencode([pair for pair in pairs if pair[1]])
    return f"{path}?{query}" if query else path


def dataset_path(name: str) -> str:
    return f"/dataset/{quote(name, safe='')}"


def resource_path(dataset: str, resource: str) -> str:
    return f"{dataset_path(dataset)}/resource/{quote(resource, safe='')}"


def rows_address(resource: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    return with_pairs(f"/api/opendata/rows/{quote(resource, safe='')}", pairs)


def aggregate_address(resource: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    return with_pairs(f"/api/opendata/aggregate/{quote(resource, safe='')}", pairs)


def download_address(resource: str, format: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    return with_pairs(f"/api/opendata/download/{quote(resource, safe='')}", [("format", format), *pairs])
