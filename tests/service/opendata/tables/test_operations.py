"""The table operations through the door: what an outsider's program sees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.make import TOKEN
from tests.service.opendata.tables.made import PHARMACIES, PHARMACY_ROWS, a_portal, a_version, publish

from banyan.service.opendata import registry


def ask(
    folder: Path, *targets: str, key: tuple[str, ...] = ("代碼",), private: bool = False, token: str = ""
) -> list[Any]:
    """Publish the pharmacies as `mask` and get each target's answer."""

    async def run() -> list[Any]:
        async with a_portal(folder) as node:
            version = a_version(
                node.drawers["opendata"].lake, PHARMACIES, PHARMACY_ROWS, aliases={"成人": ("adult",)}, order="縣市"
            )
            await publish(node, "mask", version, key=key, private=private, aliases=("masks",))
            return [await node.client.get(target, token=token) for target in targets]

    return asyncio.run(run())


def rows(**query: object) -> str:
    pairs = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
    return "/api/opendata/rows/mask?" + urlencode(pairs)


def test_rows_come_in_source_order_with_their_origin(tmp_path: Path) -> None:
    [reply] = ask(tmp_path, "/api/opendata/rows/mask")
    assert reply.status == 200
    said = reply.json
    assert [record["_id"] for record in said["records"]] == [1, 2, 3, 4]
    assert said["total"] == 4
    assert said["origin"]["as_of"] == "2026-11-23T12:00:00Z"
    assert said["records"][0]["更新"] == "2020-02-14T08:55:35"


def test_filters_words_sort_and_old_names(tmp_path: Path) -> None:
    by_filter, by_words, by_sort, by_old_name = ask(
        tmp_path,
        rows(filters={"縣市": "花蓮縣", "成人": {"gte": 20}}),
        rows(q="abc 藥局"),
        rows(sort="成人 desc nulls last", fields="代碼,成人", records="csv"),
        rows(fields="adult", filters={"adult": {"gt": 5}}, sort="adult desc"),
    )
    assert [record["代碼"] for record in by_filter.json["records"]] == ["5901012346"]
    assert [record["_id"] for record in by_words.json["records"]] == [3]
    assert by_sort.json["records"] == "5901012346,20\n5901012345,10\n0145080011,0\n5901012347,\n"
    assert by_old_name.json["records"] == [{"adult": 20}, {"adult": 10}]


def test_wrong_questions_are_refused_with_the_columns(tmp_path: Path) -> None:
    unknown, wrong, nowhere, big = ask(
        tmp_path, rows(filters={"沒有": 1}), rows(filters={"成人": "很多"}), "/api/opendata/rows/none", rows(limit=-1)
    )
    assert unknown.status == 422
    assert "代碼" in unknown.text
    assert wrong.status == 422
    assert nowhere.status == 404
    assert big.status == 422


def test_look_up_reads_full_width_digits_and_names_its_key(tmp_path: Path) -> None:
    wide, missing = ask(
        tmp_path,
        f"/api/opendata/look_up/masks?key={quote('５９０１０１２３４５')}",
        "/api/opendata/look_up/masks?key=77",
    )
    assert wide.json["record"]["名稱"] == "臺北藥局"
    assert missing.status == 404
    assert "代碼" in missing.text


def test_a_register_without_key_says_so(tmp_path: Path) -> None:
    [reply] = ask(tmp_path, "/api/opendata/look_up/mask?key=1", key=())
    assert reply.status == 404
    assert "--key" in reply.text


def test_facets_and_groups(tmp_path: Path) -> None:
    facets, groups = ask(
        tmp_path,
        f"/api/opendata/facets/mask?fields={quote('縣市')}",
        f"/api/opendata/aggregate/mask?by={quote('縣市')}&measures=count&measures={quote('sum:成人')}&sort=count+desc",
    )
    [facet] = facets.json["facets"]
    assert facet["values"][0] == {"value": "花蓮縣", "count": 2}
    assert facet["distinct"] == 3
    assert groups.json["records"][0] == {"縣市": "花蓮縣", "count": 2, "sum_成人": 20}


def test_a_private_table_is_not_found_but_by_the_administrator(tmp_path: Path) -> None:
    [hidden] = ask(tmp_path / "a", "/api/opendata/rows/mask", private=True)
    [seen] = ask(tmp_path / "b", "/api/opendata/rows/mask", private=True, token=TOKEN)
    assert (hidden.status, seen.status) == (404, 200)


def test_sql_names_tables_by_id_alias_or_dataset_and_sees_no_private_one(tmp_path: Path) -> None:
    async def run() -> list[Any]:
        async with a_portal(tmp_path) as node:
            lake = node.drawers["opendata"].lake
            await publish(
                node, "mask", a_version(lake, PHARMACIES, PHARMACY_ROWS, resource_id="rid-1"), aliases=("m2",)
            )
            await publish(node, "hidden", a_version(lake, PHARMACIES, PHARMACY_ROWS), private=True)
            return [
                await node.client.get("/api/opendata/sql?" + urlencode({"sql": sql}), token=TOKEN)
                for sql in (
                    'SELECT count(*) FROM "rid-1"',
                    "SELECT max(成人) AS most FROM m2 WHERE 縣市 = '花蓮縣'",
                    "SELECT a.名稱 FROM mask a ORDER BY 名稱 LIMIT 1",
                    "SELECT * FROM hidden",
                    'SELECT * FROM "rid-1" WHERE zz = 1',
                    "SELECT pg_sleep(1)",
                )
            ]

    by_id, by_alias, by_name, hidden, wrong, function = asyncio.run(run())
    assert by_id.json["records"] == [{"count": 4}]
    assert by_alias.json["records"] == [{"most": 20}]
    assert by_name.json["records"] == [{"名稱": "=1+1"}]
    assert (hidden.status, wrong.status, function.status) == (404, 409, 403)


def test_a_version_before_is_asked_by_its_number(tmp_path: Path) -> None:
    async def run() -> list[Any]:
        async with a_portal(tmp_path) as node:
            lake = node.drawers["opendata"].lake
            first = a_version(lake, {"n": "integer"}, [[1]], resource_id="rid-1")
            await publish(node, "mask", first)
            second = a_version(lake, {"n": "integer"}, [[1], [2]], resource_id="rid-1", number=2)
            await node.drawers["opendata"].sql.write(lambda tx: registry.put_version(tx, second, choices=""))
            return [await node.client.get(f"/api/opendata/rows/mask?version={number}") for number in (0, 1, 2, 3)]

    served, one, two, none = asyncio.run(run())
    assert (served.json["total"], one.json["total"], two.json["total"], none.status) == (1, 1, 2, 404)
    assert two.json["origin"]["version"] == 2


ODD: list[dict[str, Any]] = [
    {"filters": {"成人": 10**50}},
    {"filters": {"成人": "1e999"}},
    {"filters": {"成人": "nan"}},
    {"filters": {"成人": {"gt": -(10**40)}}},
    {"filters": {"日期": "2020-13-01"}},
    {"filters": {"日期": {"lt": "99999-01-01"}}},
    {"filters": {"更新": "0001-01-01T00:00:00+14:00"}},
    {"filters": {"名稱": {"contains": "(?i)[[" * 30}}},
    {"filters": {"名稱": {"contains": "a" * 5000}}},
    {"filters": {"名稱": {"startswith": "%_\\"}}},
    {"filters": {"名稱": {"isnull": "perhaps"}}},
    {"filters": {"成人": {"contains": "1"}}},
    {"filters": {"_id": {"in": []}}},
    {"filters": {"$or": []}},
    {"filters": {'"; DROP TABLE t; --': 1}},
    {"q": "台" * 3000},
    {"q": " ".join("abcdefghijklmnopqrstuvwxyz")},
    {"q": "\U0001f600 \u202e"},
    {"offset": 2**63},
    {"offset": 2**53},
    {"after": 2**53},
    {"limit": 10**30},
    {"version": 2**40},
    {"sort": "a" * 5000},
    {"sort": "成人 desc nulls"},
    {"sort": "成人, 成人 desc, _id"},
    {"fields": "代碼,代碼"},
    {"fields": ",,,"},
    {"distinct": True, "sort": "成人", "fields": "代碼"},
    {"distinct": True, "after": 1},
    {"records": "csv", "fields": "更新"},
]


def test_odd_questions_never_break_the_node(tmp_path: Path) -> None:
    replies = ask(tmp_path, *(rows(**query) for query in ODD))
    assert {str(query): reply.status for query, reply in zip(ODD, replies, strict=True) if reply.status >= 500} == {}
