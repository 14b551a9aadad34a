"""Hostile and broken files: a clear refusal that says what to do, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from tests.service.opendata.ingest.test_formats import PLAIN, workbook, zipped
from tests.service.opendata.ingest.workbench import finding, read, read_one

from banyan.errors import Invalid, Limit, Problem
from banyan.service.opendata.ingest import Cancelled, Options, Progress, ingest


def bomb() -> bytes:
    """100 MiB of zeros with a header, in some 100 KB."""
    return gzip.compress(b"a,b\n" + b"0" * (100 << 20))


def locked() -> bytes:
    content = bytearray(zipped({"a.csv": PLAIN.encode()}))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + flags] |= 1
    return bytes(content)


def wide_sheet() -> bytes:
    """One cell at XFD1048576: seventeen thousand million cells to a reader that trusts it."""
    whole = workbook({"s": [["a", "b"], [1, 2]]})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.startswith("xl/worksheets/"):
                content = content.replace(b'r="B2"', b'r="XFD1048576"')
            new.writestr(info.filename, content)
    return out.getvalue()


def entity_sheet() -> bytes:
    whole = workbook({"s": [["a"], [1]]})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "xl/workbook.xml":
                content = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + content
            new.writestr(info.filename, content)
    return out.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(40)
BAD: dict[str, tuple[bytes, type[Problem], str]] = {
    "empty": (b"", Invalid, "file-empty"),
    "only-blank": (b"\xef\xbb\xbf \r\n\r\n", Invalid, "file-empty"),
    "only-header": ("代碼,名稱\n".encode(), Invalid, "rows-none"),
    "binary": (random.Random(1).randbytes(5000), Invalid, "file-binary"),
    "png": (PNG, Invalid, "kind-refused"),
    "pdf": (b"%PDF-1.7\n...", Invalid, "kind-refused"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), Invalid, "kind-refused"),
    "login-page": (b"<!DOCTYPE html><html><title>login</title></html>", Invalid, "kind-web-page"),
    "xml": (b'<?xml version="1.0"?><a/>', Invalid, "kind-refused"),
    "cut-gzip": (gzip.compress(PLAIN.encode() * 500)[:-20], Invalid, "archive-damaged"),
    "broken-gzip": (b"\x1f\x8b\x08\x00garbage-garbage", Invalid, "archive-damaged"),
    "cut-zip": (zipped({"a.csv": PLAIN.encode()})[:-30], Invalid, "archive-damaged"),
    "locked-zip": (locked(), Invalid, "archive-locked"),
    "empty-zip": (zipped({}), Invalid, "archive-empty"),
    "zip-slip": (zipped({"../../etc/x.csv": PLAIN.encode()}), Invalid, "archive-path"),
    "zip-absolute": (zipped({"/etc/x.csv": PLAIN.encode()}), Invalid, "archive-path"),
    "many-members": (zipped({f"{number}.csv": b"a\n1\n" for number in range(1001)}), Limit, "archive-members"),
    "bomb": (bomb(), Limit, "unpack-ratio"),
    "bomb-in-zip": (zipped({"a.csv": b"a,b\n" + b"0" * (40 << 20)}), Limit, "unpack-ratio"),
    "zip-in-zip": (zipped({"b.zip": zipped({"a.csv": b"a\n1\n"})}), Invalid, "kind-refused"),
    "million-columns": (b",".join(b"c%d" % number for number in range(1_000_000)) + b"\n1,2\n", Limit, "columns"),
    "endless-line": (b"a,b\n" + b"x" * (17 << 20), Limit, "line-bytes"),
    "endless-cell": (b'a,b\n1,"' + b"x\n" * (3 << 20) + b'"\n', Limit, "cell-bytes"),
    "broken-utf16": (b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8\x00\xd8", Invalid, "encoding-broken"),
    "cut-json": (b'[{"a":1},{"a":2', Invalid, "json-damaged"),
    "deep-json": (b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", Invalid, "json-damaged"),
    "no-records": (b"[]", Invalid, "json-shape"),
    "wide-json": (("[{" + ",".join(f'"c{n}":1' for n in range(3000)) + "}]").encode(), Limit, "columns"),
    "cut-parquet": (b"PAR1" + bytes(100), Invalid, "parquet-damaged"),
    "wide-sheet": (wide_sheet(), Limit, "workbook-large"),
    "entity-sheet": (entity_sheet(), Invalid, "workbook-entity"),
    "empty-sheet": (workbook({"s": []}), Invalid, "rows-none"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_file_is_refused_with_a_remedy(case: str, tmp_path: Path) -> None:
    content, kind, code = BAD[case]
    with pytest.raises(kind) as refused:
        read(tmp_path, content, name="upload")
    problem = refused.value
    assert problem.kind == code
    assert problem.title
    assert problem.remedy
    assert problem.fields[0].fix
    assert list((tmp_path / "work").iterdir()) == []


def test_unpacked_sheet_claims_are_not_believed(tmp_path: Path) -> None:
    """A workbook of one member that unpacks to 300 MiB is stopped while it is measured."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(300):
                part.write(b" " * (1 << 20))
    with pytest.raises(Limit) as refused:
        read(tmp_path, out.getvalue())
    assert refused.value.kind == "workbook-large"


@pytest.mark.parametrize("seed", range(16))
def test_damage_anywhere_never_crashes(seed: int, tmp_path: Path) -> None:
    """Cut, flip or insert bytes: a table or a Problem, nothing else, and no litter."""
    chance = random.Random(seed)
    good = chance.choice([
        PLAIN.encode(), PLAIN.encode("cp950"), PLAIN.encode("utf-16"), gzip.compress(PLAIN.encode() * 40),
        zipped({"a.csv": PLAIN.encode(), "b.json": b'[{"a":1,"b":"x"}]'}), workbook({"s": [["a", "b"], [1, "x"]]}),
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},'
        b'"geometry":{"type":"Point","coordinates":[121.5,25]}}]}',
    ])  # fmt: skip
    content = bytearray(good)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(content))
        match chance.randrange(3):
            case 0:
                content[place] = chance.randrange(256)
            case 1:
                content[place:place] = chance.randbytes(3)
            case _:
                del content[place : place + chance.randrange(1, 20)]
    refused, tables = "", []
    try:
        tables = read(tmp_path, bytes(content), name="x")
    except Problem as problem:
        refused = problem.remedy
    assert refused or all(table.rows > 0 for table in tables)
    assert set((tmp_path / "work").iterdir()) == {table.parquet for table in tables}


def test_cancel_leaves_nothing(tmp_path: Path) -> None:
    """Cancelled at every step in turn: each time a clean stop."""
    source = tmp_path / "source"
    source.write_bytes(gzip.compress("".join(f"{n},甲{n},{n / 7}\n" for n in range(30_000)).encode()))
    calls = 0

    def after(limit: int) -> Any:
        nonlocal calls
        calls = 0

        def cancelled() -> bool:
            nonlocal calls
            calls += 1
            return calls > limit

        return cancelled

    for limit in (0, 1, 2, 5, 10, 20):
        with pytest.raises(Cancelled):
            ingest(source, "x.csv", work=tmp_path / "work", cancelled=after(limit))
        assert list((tmp_path / "work").iterdir()) == []


def test_progress_grows_and_names_its_phases(tmp_path: Path) -> None:
    seen: list[Progress] = []
    source = tmp_path / "source"
    lines = "".join(f"{number % 9973},甲\n" for number in range(400_000))
    source.write_bytes(gzip.compress(("數,名\n" + lines).encode("cp950")))
    ingest(source, "x.csv", options=Options(), work=tmp_path / "work", progress=seen.append)
    assert {"unpack", "decode"} <= {one.phase for one in seen}
    for phase in ("unpack", "decode"):
        done = [one.done for one in seen if one.phase == phase]
        assert done == sorted(done)


@pytest.mark.parametrize("damage", [b"\xff", b"\xe4\xb8", b"\xc0\x80", b"\xed\xa0\x80", "中".encode("cp950")])
def test_bytes_that_are_not_utf8_are_found_far_behind_the_opening(tmp_path: Path, damage: bytes) -> None:
    """What opens as UTF-8 is read at once; the fast reader must refuse the rest where it is not."""
    lines = b"".join(b"%d,\xe7\x94\xb2\n" % number for number in range(60_000))
    table = read_one(tmp_path, b"a,b\n" + lines + b"60000," + damage + b"\n")
    assert table.rows == 60_001
    assert {"bytes-unfit", "encoding-mixed"} & {one.code for one in table.findings}


def test_an_irregular_row_far_behind_the_opening_is_kept(tmp_path: Path) -> None:
    lines = "".join(f"{number},甲\n" for number in range(60_000))
    table = read_one(tmp_path, f"a,b\n{lines}60000,甲,乙\n")
    assert table.rows == 60_001
    assert finding(table, "rows-long").count == 1


def test_a_damaged_parquet_does_not_tell_our_folders(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        read(tmp_path, b"PAR1" + b"\xff" * 1_000 + b"PAR1", name="a.parquet")
    assert str(tmp_path) not in refused.value.title


def test_the_original_hash_is_kept(tmp_path: Path) -> None:
    import hashlib

    content = gzip.compress(PLAIN.encode())
    table = read_one(tmp_path, content)
    assert (table.source.sha256, table.source.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_crc_is_checked(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(PLAIN.encode()))
    content[-8:-4] = struct.pack("<I", zlib.crc32(b"other"))
    with pytest.raises(Invalid):
        read(tmp_path, bytes(content))
