"""What kind of file it is, by its first bytes; its name is not believed.

Sources: Parquet format (magic PAR1), RFC 8259, RFC 7946, WHATWG MIME sniffing for what we refuse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from banyan.service.opendata.ingest.container import is_workbook
from banyan.service.opendata.ingest.refusal import invalid

Format = Literal["text", "json", "xlsx", "parquet"]

REFUSED = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\xd0\xcf\x11\xe0", "XLS/DOC (97-2003)"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"SQLite format 3", "SQLite"),
    (b"\x7fELF", "ELF"),
    (b"MZ\x90", "EXE"),
    (b"\x00\x00\x27\x0a", "Shapefile"),
)
TAGS = ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<?xml", "XML"), (b"<kml", "KML"))


def sniff(path: Path) -> Format:
    """The reader for a plain file. Raises Invalid for a kind we do not read, naming it and what to send instead."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:4] == b"PK\x03\x04":
        if is_workbook(path):
            return "xlsx"
        raise invalid("kind-refused", kind="ZIP")
    for magic, kind in REFUSED:
        if head.startswith(magic):
            raise invalid("kind-refused", kind=kind)
    start = head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    start = start.lstrip()
    for tag, kind in TAGS:
        if start[:32].lower().startswith(tag):
            raise invalid("kind-web-page" if kind == "HTML" else "kind-refused", kind=kind)
    return "json" if start[:1] in {b"{", b"["} and _looks_json(start) else "text"


def _looks_json(start: bytes) -> bool:
    """`[note],a,b` opens a CSV too: JSON goes on with a value."""
    inside = start[1:].lstrip()[:1]
    if start[:1] == b"{":
        return inside in {b'"', b"}", b""}
    return inside in {b"{", b"[", b"]", b'"', b""} or inside.isdigit() or start[1:].lstrip()[:4] in {b"null", b"true"}
