"""The operation `sql`: one read-only SELECT over public registers, run in the sandbox."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits import QUERY_TEXT
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.tables.query import Field
from banyan.service.opendata.tables.records import Plain, objects
from banyan.service.opendata.tables.refusals import unknown_table
from banyan.service.opendata.tables.sandbox import Sources
from banyan.service.opendata.tables.tenancy import Register, engine, find_register


class SqlQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sql` is one SELECT in PostgreSQL's dialect; tables are resource ids or aliases in double quotes, or datasets."""

    sql: Annotated[str, msgspec.Meta(min_length=1, max_length=QUERY_TEXT)]


class SqlRows(msgspec.Struct, frozen=True):
    """`truncated` says that there were more rows than QUERY_ROWS."""

    sql: str
    fields: tuple[Field, ...]
    records: list[dict[str, Plain]]
    truncated: bool


@SERVICE.operation(
    "sql",
    title={"zh-Hant": "SQL 查詢", "en": "SQL query"},
    summary={
        "zh-Hant": "以一句唯讀的 SELECT 查詢公開資料表；時間、列數與記憶體都有上限。",
        "en": "One read-only SELECT over public tables; time, rows and memory are bounded.",
    },
    data=OPEN,
    audience="public",
    path="/api/opendata/sql",
)
async def sql(ctx: Context, request: SqlQuery) -> SqlRows:
    """Raises Invalid (409, CKAN's words in the field's `fix`), Denied (403), NotFound (404), Limit."""

    async def resolve(names: tuple[str, ...]) -> Sources:
        return {name: await _source(ctx, name) for name in names}

    found = await engine(ctx.db).sandbox.run(request.sql, resolve)
    return SqlRows(request.sql, found.fields, objects(found.fields, found.rows), found.truncated)


async def _source(ctx: Context, name: str) -> tuple[str, tuple[str, ...]]:
    """A public register's file and columns. A private one is unknown here to everybody, the administrator too."""
    of: Register | None = await ctx.db.sql.read(lambda tx: find_register(tx, name))
    if of is None or not of.dataset.is_public:
        raise unknown_table(name)
    tables = engine(ctx.db)
    shaped = await tables.shape(of.version)
    return str(tables.parquet(of.version)), tuple(column.name for column in shaped.shown)
