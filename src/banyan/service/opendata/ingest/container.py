"""Unpack .gz and .zip, by content and never by name, with bounds that stop bombs; hash the original bytes.

Sources: RFC 1952 (gzip), PKWARE APPNOTE (zip).
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from banyan.limits import ARCHIVE_MEMBERS, GIB, MIB, UNPACK_RATIO, UNPACKED_BYTES
from banyan.service.opendata.ingest.options import Watch
from banyan.service.opendata.ingest.refusal import beyond, invalid

DAMAGE = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    OverflowError,
)
BLOCK = 1 * MIB
RATIO_FREE_BYTES = GIB // 64
"""Below 16 MiB unpacked a high ratio harms nobody: a table of zeros is legal."""


class Member(msgspec.Struct, frozen=True):
    """One plain file found in the source. `stem` names the table; `member` is its path inside an archive."""

    path: Path
    stem: str
    container: str = ""
    member: str = ""


def digest(path: Path, watch: Watch) -> tuple[str, int]:
    """SHA-256 in hex and the size in bytes."""
    total = path.stat().st_size
    hasher = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            hasher.update(block)
            done += len(block)
            watch.step("unpack", done, total)
    return hasher.hexdigest(), total


def unpack(source: Path, filename: str, work: Path, watch: Watch, *, only: str = "") -> list[Member]:
    """The plain files in `source`: itself, the inside of a .gz, or the members of a .zip (gz inside zip too).

    A workbook is a zip and stays whole. Raises Invalid for a damaged, encrypted or empty archive, Limit for a bomb.
    """
    magic = _head(source, 4)
    if magic[:2] == b"\x1f\x8b":
        inner = work / "unpacked-0"
        _gunzip(source, inner, watch)
        return [
            msgspec.structs.replace(member, container="gz" if not member.container else "gz+" + member.container)
            for member in unpack(inner, _without_suffix(filename, ".gz"), work, watch, only=only)
        ]
    if magic == b"PK\x03\x04" and not is_workbook(source):
        return _unzip(source, work, watch, only)
    if magic == b"PK\x05\x06":
        raise invalid("archive-empty")
    if only:
        raise invalid("member-unknown", "member", member=only, members="-")
    return [Member(source, _stem(filename))]


def is_workbook(path: Path) -> bool:
    """A zip that says it is an Office Open XML spreadsheet."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _unzip(source: Path, work: Path, watch: Watch, only: str) -> list[Member]:
    try:
        with damage_as("archive-damaged"), zipfile.ZipFile(source) as archive:
            infos = [info for info in archive.infolist() if _is_content(info)]
            if len(infos) > ARCHIVE_MEMBERS:
                raise beyond("archive-members", count=len(infos), bound=ARCHIVE_MEMBERS)
            if only:
                chosen = [info for info in infos if _decoded_name(info) == only]
                if not chosen:
                    raise invalid("member-unknown", "member", member=only, members=_names(infos))
                infos = chosen
            if not infos:
                raise invalid("archive-empty")
            return [_extract(archive, info, work / f"member-{i}", watch) for i, info in enumerate(infos)]
    except RuntimeError as error:  # zipfile's way to say: a password is needed
        if isinstance(error, NotImplementedError):
            raise invalid("archive-damaged", detail=str(error)) from error
        raise invalid("archive-locked") from error


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, watch: Watch) -> Member:
    name = _decoded_name(info)
    _check_inside(name)
    with archive.open(info) as packed:
        _copy_bounded(_blocks(packed), target, watch, packed_bytes=max(info.compress_size, 1))
    if _head(target, 2) == b"\x1f\x8b":
        inner = target.with_suffix(".inner")
        _gunzip(target, inner, watch)
        target.unlink()
        return Member(inner, _stem(_without_suffix(name, ".gz")), "zip+gz", name)
    return Member(target, _stem(name), "zip", name)


def _gunzip(source: Path, target: Path, watch: Watch) -> None:
    with damage_as("archive-damaged"), gzip.open(source, "rb") as packed:
        _copy_bounded(_blocks(packed), target, watch, packed_bytes=max(source.stat().st_size, 1))


@contextmanager
def damage_as(code: str) -> Iterator[None]:
    """What a damaged archive makes the readers raise becomes Invalid; a full disk stays what it is."""
    try:
        yield
    except DAMAGE as error:
        raise invalid(code, detail=str(error)[:200]) from error
    except OSError as error:  # a seek to an offset that the damaged directory claims
        if error.errno not in {errno.EINVAL, None}:
            raise
        raise invalid(code, detail=str(error)[:200]) from error


def _blocks(packed: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while block := packed.read(BLOCK):
        yield block


def _copy_bounded(blocks: Iterator[bytes], target: Path, watch: Watch, *, packed_bytes: int) -> None:
    done = 0
    with target.open("wb") as out:
        for block in blocks:
            done += len(block)
            if done > UNPACKED_BYTES:
                raise beyond("unpacked-bytes", bound_gib=UNPACKED_BYTES // GIB)
            if done > RATIO_FREE_BYTES and done > packed_bytes * UNPACK_RATIO:
                raise beyond("unpack-ratio", bound=UNPACK_RATIO)
            out.write(block)
            watch.step("unpack", done)


def _is_content(info: zipfile.ZipInfo) -> bool:
    """Not a folder, and not what macOS and Windows leave in archives."""
    name = PurePosixPath(info.filename)
    return not (
        info.is_dir() or name.parts[:1] == ("__MACOSX",) or name.name in {".DS_Store", "Thumbs.db", "desktop.ini"}
    )


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """A zip made on a Chinese Windows holds CP950 names without the UTF-8 flag; Python reads them as CP437."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for codec in ("utf-8", "cp950"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.filename


def _check_inside(name: str) -> None:
    """We never write under a member's own name, but such an archive is an attack or an accident: say so."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\x00" in name:
        raise invalid("archive-path", member=name[:200])


def _names(infos: list[zipfile.ZipInfo]) -> str:
    return "、".join(_decoded_name(info) for info in infos[:10])


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _without_suffix(name: str, suffix: str) -> str:
    return name[: -len(suffix)] if name.lower().endswith(suffix) else name


def _stem(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return stem if stem not in {"", "-"} else "data"
