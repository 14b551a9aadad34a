"""Downloads are read back with other people's readers: csv, json, openpyxl, pyarrow."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.make import Reply
from tests.service.opendata.tables.made import PHARMACIES, PHARMACY_ROWS, Columns, a_portal, a_version, publish

from banyan.errors import Problem
from banyan.kernel.storage.lake import Lake
from banyan.service.opendata.tables import Tables, parse_filters, parse_sort
from banyan.service.opendata.tables.export import ExportQuery, Exports

POINTS = {"_lon": "DOUBLE", "_lat": "DOUBLE"}
ROWS = [
    [*row, *place]
    for row, place in zip(PHARMACY_ROWS, [(121.5, 25.0), (121.6, 23.9), (None, None), (121.0, 24.0)], strict=True)
]


def download(folder: Path, *targets: str) -> list[Reply]:
    async def run() -> list[Reply]:
        async with a_portal(folder) as node:
            version = a_version(node.drawers["opendata"].lake, PHARMACIES, ROWS, extra=POINTS, order="縣市")
            await publish(node, "mask", version)
            return [await node.client.get(quote(f"/download/{target}", safe="/?=&")) for target in targets]

    return asyncio.run(run())


def test_csv_is_what_was_published_in_its_order(tmp_path: Path) -> None:
    plain, packed, marked, safe = download(
        tmp_path, "mask.csv", "mask.csv.gz", "mask.csv?bom=true&row_id=true", "mask.csv?escape=true"
    )
    rows = list(csv.reader(io.StringIO(plain.text)))
    assert rows[0] == list(PHARMACIES)
    assert rows[1] == ["5901012345", "臺北藥局", "臺北市", "10", "2020-02-14T08:55:35", "2020-02-14"]
    assert rows[4] == ["0145080011", "=1+1", "", "0", "", ""]
    assert gzip.decompress(packed.body) == plain.body
    assert marked.body.startswith(b"\xef\xbb\xbf_id,")
    assert list(csv.reader(io.StringIO(safe.text)))[4][1] == "'=1+1"
    assert "attachment" in plain.header("content-disposition")


def test_a_download_known_by_its_etag_is_not_sent_again(tmp_path: Path) -> None:
    async def run() -> list[Reply]:
        async with a_portal(tmp_path) as node:
            await publish(node, "mask", a_version(node.drawers["opendata"].lake, PHARMACIES, PHARMACY_ROWS))
            first = await node.client.get("/download/mask.csv")
            known = {"if-none-match": first.header("etag")}
            return [
                first,
                await node.client.get("/download/mask.csv", headers=known),
                await node.client.get("/download/mask.csv?bom=true", headers=known),
            ]

    first, known, other = asyncio.run(run())
    assert (first.status, known.status, other.status) == (200, 304, 200)
    assert known.body == b""


def test_json_ndjson_tsv_and_geojson(tmp_path: Path) -> None:
    as_json, lines, tsv, places, none = download(
        tmp_path, "mask.json", "mask.ndjson", "mask.tsv", "mask.geojson", 'mask.json?filters={"縣市":"沒有"}'
    )
    assert as_json.json[0]["更新"] == "2020-02-14T08:55:35"
    assert as_json.json[2]["成人"] is None
    assert [json.loads(line) for line in lines.text.splitlines()] == as_json.json
    assert tsv.text.splitlines()[1].split("\t")[0] == "5901012345"
    features = places.json["features"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [121.5, 25.0]}
    assert features[2]["geometry"] is None
    assert "_lon" not in features[0]["properties"]
    assert none.json == []


def test_parquet_has_only_published_columns_and_serves_ranges(tmp_path: Path) -> None:
    whole, some = download(tmp_path, "mask.parquet", 'mask.parquet?filters={"縣市":"花蓮縣"}')
    assert pyarrow.parquet.read_table(io.BytesIO(whole.body)).column_names == list(PHARMACIES)
    assert pyarrow.parquet.read_table(io.BytesIO(some.body)).num_rows == 2
    assert whole.header("accept-ranges") == "bytes"


def test_xlsx_keeps_codes_and_runs_no_formula(tmp_path: Path) -> None:
    [reply] = download(tmp_path, "mask.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(reply.body)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == tuple(PHARMACIES)
    assert rows[4][0] == "0145080011"
    assert sheet.cell(5, 2).data_type == "s"
    assert rows[1][3] == 10


def test_a_wrong_name_or_format_is_not_found(tmp_path: Path) -> None:
    deep = "mask.csv?filters=" + "[" * 5_000
    replies = download(tmp_path, "mask.doc", "none.csv", "mask", "mask.csv?filters=x", deep)
    assert [reply.status for reply in replies] == [404, 404, 404, 422, 422]


@pytest.mark.parametrize("format_", ["csv", "json", "ndjson"])
def test_sorted_and_filtered_downloads_keep_order(tmp_path: Path, format_: str) -> None:
    async def run() -> bytes:
        lake = Lake(tmp_path / "lake", tmp_path / "work")
        rows = [[f"{n % 7}", n] for n in range(20_000)]
        version = a_version(lake, {"群": "text", "值": "integer"}, rows, order="群")
        tables = Tables(lake, tmp_path / "work")
        exports = Exports(tables)
        try:
            query = ExportQuery(
                format=format_, where=parse_filters({"值": {"gte": 10_000}}), sort=parse_sort("群, 值 desc")
            )
            made = await exports.export(version, query)
            assert not isinstance(made.body, Path)
            return b"".join([chunk async for chunk in made.body])
        finally:
            exports.close()
            await tables.stop()

    body = asyncio.run(run()).decode()
    if format_ == "csv":
        found = [(row["群"], int(row["值"])) for row in csv.DictReader(io.StringIO(body))]
    else:
        parsed = json.loads(body) if format_ == "json" else [json.loads(line) for line in body.splitlines()]
        found = [(row["群"], row["值"]) for row in parsed]
    assert found == sorted(((f"{n % 7}", n) for n in range(10_000, 20_000)), key=lambda pair: (pair[0], -pair[1]))


def test_a_reader_who_leaves_frees_the_download(tmp_path: Path) -> None:
    async def run() -> None:
        lake = Lake(tmp_path / "lake", tmp_path / "work")
        version = a_version(lake, {"值": "integer"}, [[n] for n in range(30_000)])
        tables = Tables(lake, tmp_path / "work")
        exports = Exports(tables)
        for _ in range(40):  # more than may be open at once
            made = await exports.export(version, ExportQuery())
            assert not isinstance(made.body, Path)
            async for _chunk in made.body:
                break
            await made.body.aclose()  # type: ignore[attr-defined]  # an async generator
        exports.close()
        await tables.stop()

    asyncio.run(run())


def test_xlsx_beyond_its_rows_names_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from banyan.service.opendata.tables import export

    monkeypatch.setattr(export, "XLSX_ROWS", 3)
    [reply] = download(tmp_path, "mask.xlsx")
    assert reply.status == 413
    assert "CSV" in reply.text


def test_geojson_needs_places(tmp_path: Path) -> None:
    async def run() -> None:
        lake = Lake(tmp_path / "lake", tmp_path / "work")
        version = a_version(lake, PHARMACIES, PHARMACY_ROWS)
        tables = Tables(lake, tmp_path / "work")
        exports = Exports(tables)
        try:
            with pytest.raises(Problem) as caught:
                await exports.export(version, ExportQuery(format="geojson"))
            assert caught.value.status == 404
        finally:
            exports.close()
            await tables.stop()

    asyncio.run(run())


CELLS = st.none() | st.text("藥a,\"'\t\r\n=+@-\\\x0b {}[]\u2028\U00020000", max_size=6)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, st.none() | st.floats(allow_nan=False, allow_infinity=False)), max_size=8))
def test_any_cell_comes_back(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    columns: Columns = {'欄,"一"': "text", "b": "text", "f": "number"}

    async def run() -> list[bytes]:
        lake = Lake(tmp_path / "lake", tmp_path / "work")
        version = a_version(lake, columns, rows)
        tables = Tables(lake, tmp_path / "work")
        exports = Exports(tables)
        try:
            asks = [ExportQuery(), ExportQuery(fields=("b",)), ExportQuery(format="ndjson"), ExportQuery(format="json")]
            found = []
            for ask in asks:
                made = await exports.export(version, ask)
                assert not isinstance(made.body, Path)
                found.append(b"".join([chunk async for chunk in made.body]))
            return found
        finally:
            exports.close()
            await tables.stop()

    whole, one, lines, array = (body.decode() for body in asyncio.run(run()))
    table = list(csv.reader(io.StringIO(whole, newline="")))
    assert table[0] == list(columns)
    assert [row[:2] for row in table[1:]] == [[a or "", b or ""] for a, b, _ in rows]
    assert [float(row[2]) if row[2] else None for row in table[1:]] == [f for _, _, f in rows]
    assert [row for [row] in csv.reader(io.StringIO(one, newline=""))] == ["b", *[b or "" for _, b, _ in rows]]
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    assert json.loads(array) == records
    assert [json.loads(line) for line in lines.split("\n") if line] == records
