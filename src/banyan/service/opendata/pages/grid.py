"""What a resource page's address asks of a table: words, tests of columns, order, page. Each state is a permalink."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import msgspec

from banyan.kernel.catalogue import FaceRequest
from banyan.service.opendata.model import Column, Version
from banyan.service.opendata.pages.saying import one, whole
from banyan.service.opendata.tables.operations import RowsQuery

PAGE = 50
TESTS = 6
"""Tests one address may hold: more belong in the API."""
OPS = ("eq", "ne", "contains", "gt", "gte", "lt", "lte")
LAST_PAGE = 20_000


class Test(msgspec.Struct, frozen=True):
    """One test of one column, as `f`, `o`, `v` stand in the address."""

    field: str
    op: str
    value: str


class Asked(msgspec.Struct, frozen=True):
    """A question to one table."""

    q: str = ""
    tests: tuple[Test, ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 1

    @property
    def filters(self) -> dict[str, object]:
        """CKAN's filters, as the API takes them."""
        if not self.tests:
            return {}
        tests: list[object] = [{test.field: {test.op: test.value}} for test in self.tests]
        return {"$and": tests} if len(tests) > 1 else {self.tests[0].field: {self.tests[0].op: self.tests[0].value}}

    @property
    def order(self) -> str:
        """The API's `sort`."""
        if not self.sort:
            return ""
        name = self.sort.replace('"', '""')
        return f'"{name}" desc' if self.descending else f'"{name}"'

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The question as this page's address holds it, the page number aside."""
        pairs = [("q", self.q)]
        for test in self.tests:
            pairs += [("f", test.field), ("o", test.op), ("v", test.value)]
        return [*pairs, ("sort", self.sort), ("down", "1" if self.descending else "")]

    @property
    def api_pairs(self) -> list[tuple[str, str]]:
        """The same question for the API's address."""
        filters = msgspec.json.encode(self.filters).decode() if self.tests else ""
        return [("q", self.q), ("filters", filters), ("sort", self.order)]

    def rows(self, resource: str, *, limit: int = PAGE, fields: tuple[str, ...] = ()) -> RowsQuery:
        """One page of rows."""
        return RowsQuery(
            register=resource,
            filters=self.filters,
            q=self.q,
            sort=self.order,
            fields=fields,
            limit=limit,
            offset=(self.page - 1) * PAGE,
            records="lists",
        )


def asked_of(request: FaceRequest, version: Version) -> Asked:
    """Read the address. Columns this table does not have are left out, so that an old permalink still shows a page."""
    names = {column.name for column in version.columns} | {
        alias for column in version.columns for alias in column.aliases
    }
    names |= {"_county", "_town", "_id"}
    fields, ops, values = (_all(request, name) for name in ("f", "o", "v"))
    tests = tuple(
        Test(field, op if op in OPS else "eq", value[:500])
        for field, op, value in zip_longest(fields, ops, values, fillvalue="")
        if field in names and value
    )
    sort = one(request, "sort")
    return Asked(
        q=one(request, "q").strip()[:500],
        tests=tests[:TESTS],
        sort=sort if sort in names else "",
        descending=one(request, "down") == "1",
        page=whole(one(request, "page"), 1, most=LAST_PAGE),
    )


def shown_columns(version: Version) -> Sequence[Column]:
    """The published columns, in their order."""
    return version.columns


def _all(request: FaceRequest, name: str) -> list[str]:
    return [value for key, value in request.query if key == name]
