"""Find a text's encoding on strict evidence and transcode it to UTF-8, keeping count of every byte that fits nothing.

Order: BOM; strict UTF-8 over the whole file; UTF-16 by its NUL bytes; strict CP950, then Big5-HKSCS, when the text
reads like Traditional Chinese; chardet; else line by line (files that mix ASCII, CP950 and UTF-8 are real).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import msgspec

from banyan.limits import LINE_BYTES, MIB
from banyan.service.opendata.ingest.options import Watch
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.model import Finding

BLOCK = 1 * MIB
SIEVE_BLOCK = 256 * 1024
"""Stays in a core's cache while it is searched again and again."""
SAMPLE = 64 * 1024
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
COMMON_SHARE = 0.7
"""Share of double-byte characters in Big5's symbols and frequent plane: real Chinese text has over 0.9, other
encodings read as CP950 about 0.5."""
EXAMPLES = 20


MARKS: dict[str, tuple[bytes, ...]] = {
    "markup": (b"<",),
    "escape": (b"\\",),
    "replacement": (b"\xef\xbf\xbd",),
    "private": (b"\xee", b"\xf3", b"\xf4"),
    "space": (b"\t", b"\r", b'"', b"\xc2\xa0", b"\xe3\x80\x80"),
}
"""Bytes of UTF-8 without which a thing cannot be in a cell: a sieve at memory speed before exact counting.
Private use is EE (U+E000–EFFF), F3 and F4 (planes 15, 16); EF holds U+F000–F8FF, but also all full-width signs.
A cell ends in another blank than the space only with one of these, or a quote around a line's end."""
ALL_MARKS = frozenset(MARKS)


class Text(msgspec.Struct, frozen=True):
    """A file as strict UTF-8 without BOM."""

    path: Path
    encoding: str
    findings: tuple[Finding, ...] = ()
    marks: frozenset[str] = ALL_MARKS
    """Which of MARKS occur anywhere: what does not occur need not be looked for cell by cell."""


def to_utf8(source: Path, work: Path, watch: Watch, *, encoding: str = "") -> Text:
    """The text of `source` as UTF-8 in `work` (or `source` itself when it is plain UTF-8 already).

    Raises Invalid when the file is empty, binary, or `encoding` is unknown or does not fit.
    """
    sample = _head(source)
    if not sample.strip(b"\x00\xff\xfe\xef\xbb\xbf \t\r\n"):
        raise invalid("file-empty")
    if encoding:
        return _declared(source, work, watch, encoding)
    for bom, codec in BOMS:
        if sample.startswith(bom):
            return _strict_or_lines(source, work, watch, codec, skip=len(bom), evidence="bom")
    if b"\x00" in sample:
        return _by_nul(source, work, watch, sample)
    if (marks := _fits(source, "utf-8", watch)) is not None:
        return Text(source, "utf-8", (_guess("utf-8", "strict"),) if not sample.isascii() else (), marks)
    for codec in ("cp950", "big5hkscs"):
        if _fits(source, codec, watch) is not None and _reads_chinese(sample, codec):
            return _strict_or_lines(source, work, watch, codec, skip=0, evidence="strict")
    if _mostly_ours(sample):
        return _by_lines(source, work, watch, _primary(sample), 0)
    import chardet

    guess = chardet.detect(sample)
    codec = _known(str(guess["encoding"] or ""))
    if codec and codec not in {"utf-8", "ascii", "cp950", "big5"} and _fits(source, codec, watch) is not None:
        return _strict_or_lines(source, work, watch, codec, skip=0, evidence="chardet")
    return _by_lines(source, work, watch, _primary(sample), 0)


def presumed_utf8(source: Path) -> Text | None:
    """The source itself when its opening is strict UTF-8 without BOM: a strict reader will tell about the rest."""
    sample = _head(source)
    if not sample.strip() or b"\x00" in sample or sample.startswith(tuple(bom for bom, _ in BOMS)):
        return None
    if not _decodes(sample, "utf-8", partial=True):
        return None
    return Text(source, "utf-8", (_guess("utf-8", "strict"),) if not sample.isascii() else ())


def marks_of(source: Path, watch: Watch) -> frozenset[str]:
    """The marks that occur in a UTF-8 text."""
    sieve = _Sieve()
    with source.open("rb") as file:
        while block := file.read(SIEVE_BLOCK):
            sieve.see(block)
            watch.check()
    return frozenset(sieve.found)


def _declared(source: Path, work: Path, watch: Watch, encoding: str) -> Text:
    codec = _known(encoding)
    if not codec:
        raise invalid("encoding-unknown", "encoding", encoding=encoding[:40])
    sample = _head(source)
    skip = next((len(bom) for bom, of in BOMS if sample.startswith(bom) and of.removesuffix("-sig") == codec), 0)
    return _strict_or_lines(source, work, watch, codec, skip=skip, evidence="declared")


def _by_nul(source: Path, work: Path, watch: Watch, sample: bytes) -> Text:
    """UTF-16 without BOM has its NULs on one side of each pair (ASCII commas and line ends); else it is no text."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    if min(even, odd) * 20 > max(even, odd) or max(even, odd) * 200 < len(sample):
        raise invalid("file-binary")
    if _fits(source, codec, watch) is None:
        raise invalid("file-binary")
    return _strict_or_lines(source, work, watch, codec, skip=0, evidence="nul-bytes")


def _strict_or_lines(source: Path, work: Path, watch: Watch, codec: str, *, skip: int, evidence: str) -> Text:
    """Transcode strictly; a file that breaks its own promise is read line by line, and says so."""
    target = work / (source.name + ".utf8")
    total = source.stat().st_size
    decoder = codecs.getincrementaldecoder(codec.removesuffix("-sig"))("strict")
    sieve = _Sieve()
    try:
        with source.open("rb") as file, target.open("wb") as out:
            file.seek(skip)
            done = skip
            while block := file.read(BLOCK):
                done += len(block)
                text = decoder.decode(block).encode()
                sieve.see(text)
                out.write(text)
                watch.step("decode", done, total)
            out.write(decoder.decode(b"", final=True).encode())
    except (UnicodeDecodeError, UnicodeEncodeError):
        if codec.startswith(("utf-16", "utf-32")):
            raise invalid("encoding-broken", "encoding", encoding=codec) from None
        return _by_lines(source, work, watch, codec.removesuffix("-sig"), skip)
    return Text(target, codec, (_guess(codec, evidence),), frozenset(sieve.found))


def _by_lines(source: Path, work: Path, watch: Watch, primary: str, skip: int) -> Text:
    """Each line in the first encoding it fits; what fits none is kept as U+FFFD with its bytes in the finding."""
    target = work / (source.name + ".utf8")
    order = [primary, *(codec for codec in ("utf-8", "cp950", "big5hkscs") if codec != primary)]
    lines: dict[str, list[int]] = {}
    broken: list[str] = []
    with target.open("wb") as out:
        for number, line in _lines(source, skip, watch):
            codec = "" if line.isascii() else _line_codec(line, order)
            lines.setdefault(codec or ("ascii" if line.isascii() else "none"), []).append(number)
            if line.isascii() or codec:
                out.write(line.decode(codec or "ascii").encode())
            else:
                text = line.decode(primary, "replace")
                broken.append(f"{number}: {_bad_bytes(line, primary)}")
                out.write(text.encode())
    used = sorted((codec for codec in lines if codec not in {"ascii", "none"}), key=lambda codec: -len(lines[codec]))
    if broken and len(broken) * 2 > sum(map(len, lines.values())):
        raise invalid("file-binary")
    return Text(target, "+".join(used) or primary, tuple(_line_findings(used, lines, broken)))


def _line_findings(used: list[str], lines: dict[str, list[int]], broken: list[str]) -> Iterator[Finding]:
    if len(used) > 1:
        yield Finding(
            "mended",
            "encoding-mixed",
            count=sum(len(lines[codec]) for codec in used[1:]),
            examples=tuple(f"{codec}: {', '.join(map(str, lines[codec][:EXAMPLES]))}" for codec in used[1:]),
            values={"encodings": "、".join(used)},
            override="--encoding NAME",
        )
    elif used:
        yield _guess(used[0], "lines")
    if broken:
        yield Finding(
            "kept_raw", "bytes-unfit", count=len(broken), examples=tuple(broken[:EXAMPLES]), override="--encoding NAME"
        )


def _line_codec(line: bytes, order: list[str]) -> str:
    fitting = [codec for codec in order if _decodes(line, codec)]
    if len(fitting) > 1 and fitting[0] != "utf-8" and "utf-8" in fitting and _three_byte_runs(line) >= 2:
        return "utf-8"  # two Chinese characters in valid UTF-8 are no accident
    return fitting[0] if fitting else ""


def _three_byte_runs(line: bytes) -> int:
    return sum(1 for char in line.decode() if char >= "\u0800")


def _bad_bytes(line: bytes, codec: str) -> str:
    """The hex of the first run that does not fit, at most 32 bytes."""
    try:
        line.decode(codec)
    except UnicodeDecodeError as error:
        return line[error.start : error.start + 32].rstrip(b"\r\n").hex(" ")
    return ""


def _lines(source: Path, skip: int, watch: Watch) -> Iterator[tuple[int, bytes]]:
    total, done = source.stat().st_size, skip
    with source.open("rb") as file:
        file.seek(skip)
        for number in range(1, 1 << 62):
            line = file.readline(LINE_BYTES + 1)
            if not line:
                return
            if len(line) > LINE_BYTES:
                raise beyond("line-bytes", line=number, bound_mib=LINE_BYTES // MIB)
            done += len(line)
            if number % 5000 == 0:
                watch.step("decode", done, total)
            yield number, line


def _fits(source: Path, codec: str, watch: Watch) -> frozenset[str] | None:
    """None when some byte does not fit; else the marks that occur."""
    total, done, sieve = source.stat().st_size, 0, _Sieve()
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        with source.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
                sieve.see(block)
                done += len(block)
                watch.step("detect", done, total)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return frozenset(sieve.found)


class _Sieve:
    """Which marks occur in the blocks seen; each mark is looked for until it is found."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def see(self, utf8: bytes) -> None:
        for mark in MARKS.keys() - self.found:
            if any(needle[:1] in utf8 and needle in utf8 for needle in MARKS[mark]):  # one byte is found 5x faster
                self.found.add(mark)


def _reads_chinese(sample: bytes, codec: str, *, strict: bool = True) -> bool:
    """Whether the double-byte characters are mostly Big5's symbols (A1–A3) and frequent characters (A4–C6)."""
    common = other = 0
    place = 0
    while place < len(sample) - 1:
        lead = sample[place]
        if lead < 0x80:
            place += 1
            continue
        common, other = (common + 1, other) if 0xA1 <= lead <= 0xC6 else (common, other + 1)
        place += 2
    return common >= COMMON_SHARE * (common + other) and (not strict or _decodes(sample[:-1], codec, partial=True))


def _mostly_ours(sample: bytes) -> bool:
    """Whether the lines are UTF-8 and CP950 with some damage, rather than a third encoding."""
    lines = [line for line in sample.splitlines()[:-1] or [sample] if not line.isascii()]
    utf8 = [_decodes(line, "utf-8") for line in lines]
    cp950 = [_decodes(line, "cp950") for line in lines]
    either = sum(one or other for one, other in zip(utf8, cp950, strict=True))
    if any(utf8):
        return either * 2 >= len(lines)
    return either * 10 >= len(lines) * 9 and _reads_chinese(sample, "cp950", strict=False)


def _primary(sample: bytes) -> str:
    """The encoding of most non-ASCII lines of the sample."""
    lines = [line for line in sample.splitlines()[:-1] if not line.isascii()] or [sample]
    utf8 = sum(_decodes(line, "utf-8") for line in lines)
    return "utf-8" if utf8 * 2 >= len(lines) else "cp950"


def _decodes(data: bytes, codec: str, *, partial: bool = False) -> bool:
    try:
        codecs.getincrementaldecoder(codec)("strict").decode(data, final=not partial)
    except UnicodeDecodeError:
        return False
    return True


def _known(name: str) -> str:
    """Python's name of a text encoding, or empty."""
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    return {"utf-8-sig": "utf-8"}.get(info.name, info.name) if getattr(info, "_is_text_encoding", True) else ""


def _guess(codec: str, evidence: str) -> Finding:
    return Finding("guess", "encoding", values={"encoding": codec, "evidence": evidence}, override="--encoding NAME")


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(SAMPLE)
