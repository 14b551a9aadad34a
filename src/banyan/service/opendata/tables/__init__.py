"""Tables: questions over immutable versions, answered by DuckDB in this process."""

from banyan.service.opendata.tables.duck import Grid
from banyan.service.opendata.tables.engine import Tables
from banyan.service.opendata.tables.filters import as_filters, filterops, parse_filters, parse_sort, parse_words
from banyan.service.opendata.tables.query import (
    AggregateQuery,
    Cell,
    Compare,
    Facet,
    FacetQuery,
    Field,
    Filter,
    Group,
    Measure,
    SearchPage,
    SearchQuery,
    SortKey,
    Words,
)

__all__ = [
    "AggregateQuery",
    "Cell",
    "Compare",
    "Facet",
    "FacetQuery",
    "Field",
    "Filter",
    "Grid",
    "Group",
    "Measure",
    "SearchPage",
    "SearchQuery",
    "SortKey",
    "Tables",
    "Words",
    "as_filters",
    "filterops",
    "parse_filters",
    "parse_sort",
    "parse_words",
]
