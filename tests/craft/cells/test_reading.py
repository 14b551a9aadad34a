"""Cell tables as they are found: the saved public ones whole, and invented ones with each kind of fault."""

from __future__ import annotations

import gzip

import pytest
from tests.make import shared_data

from banyan.craft.cells.reading import read_cells
from banyan.errors import Invalid, Limit

ROW = "LTE,466,92,11001,{cell},0,{lon},{lat},800,5,1,1459715136,1465348064,0"


@pytest.mark.parametrize(
    ("name", "cells", "again"),
    [("opencellid_egypt_mcc602_5000", 5000, 0), ("opencellid_munich_mcc262_subset", 2110, 121),
     ("israel_cell_sites", 3 * 7781, 0)],
)  # fmt: skip
def test_public_tables_are_read_whole(name: str, cells: int, again: int) -> None:
    read = read_cells(gzip.decompress(shared_data(f"tracing/cells/{name}.csv.gz").read_bytes()))
    assert (len(read.table), read.again, read.bad_rows) == (cells, again, 0)


def test_opencellid_reads_the_same_with_a_header_an_index_or_neither() -> None:
    rows = [ROW.format(cell=cell, lon=121.5, lat=25.0) for cell in (1, 2)]
    header = "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal"
    plain = read_cells("\n".join(rows).encode()).table
    assert plain.ids == ("466-92-11001-1", "466-92-11001-2")
    for text in ("\n".join([header, *rows]), "\n".join(f"{n},{row}" for n, row in enumerate(rows))):
        read = read_cells(text.encode()).table
        assert (read.ids, read.lon.tolist(), read.range_m.tolist()) == (plain.ids, plain.lon.tolist(), [800.0, 800.0])


def test_each_bad_row_is_named_by_line_column_and_fix() -> None:
    rows = [
        ROW.format(cell=1, lon=121.5, lat=25.0), ROW.format(cell=2, lon="east", lat=25.0),
        ROW.format(cell=3, lon=121.5, lat=95), ROW.format(cell="x", lon=121.5, lat=25.0),
        ROW.format(cell=4, lon="nan", lat=25.0), ROW.format(cell=5, lon=121.5, lat=25.0).replace("LTE", "6G"),
    ]  # fmt: skip
    read = read_cells("\n".join(rows).encode())
    assert len(read.table) == 1
    assert [(one.line, one.field) for one in read.bad] == [
        (2, "lon"),
        (3, "lat"),
        (4, "cell"),
        (5, "lon"),
        (6, "radio"),
    ]


def test_a_site_list_gives_three_sectors_or_those_it_names() -> None:
    alone = read_cells(b"site_num,geom\nA,Point (35.1 31.8)\nB,Point (35.2 31.9)\n").table
    assert (len(alone), alone.sites, alone.azimuth.tolist()[:3]) == (6, 2, [0.0, 120.0, 240.0])
    named = read_cells(b"cell,lon,lat,azimuth,range,site\n466-01-7-1,121,25,45,600,A\n466-01-7-2,121,25,165,600,A\n")
    assert (named.table.ids[0], named.table.sites, named.table.azimuth.tolist()) == ("466-01-7-1", 1, [45.0, 165.0])


def test_only_rows_that_are_wanted_are_kept() -> None:
    read = read_cells(b"company,lon,lat\nA,121,25\nB,122,25\n", keep=lambda row: row["company"] == "B")
    assert read.table.lon.tolist() == [122.0] * 3


@pytest.mark.parametrize("text", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"lon,lat\nx,y\n", b"geom\nPoint (x y)\n"])
def test_what_is_no_table_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        read_cells(text)


def test_a_table_too_large_is_refused_by_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("banyan.craft.cells.reading.CELL_ROWS", 3)
    with pytest.raises(Limit, match="CELL_ROWS"):
        read_cells(b"lon,lat\n121,25\n121.1,25\n")


def test_a_quote_that_never_ends_is_one_bad_row() -> None:
    read = read_cells(b'lon,lat,address\n121,25,a\n121.1,25,"' + b"x" * 300_000)
    assert (len(read.table), read.bad_rows) == (3, 1)
