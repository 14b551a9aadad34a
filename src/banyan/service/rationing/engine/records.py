"""How commands stand in the log: what was decided, packed, so that a replay decides nothing anew.

A frame is what one flush wrote: the first command's number, the moment, and records. A record is its kind, for most the
command's key and checksum, and its fields. Of a buyer it holds the pseudonym alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

ROW, BUY, BROUGHT, RESERVE, MERGE, DELIVER, RETURN, CORRECT, POST, VOID, LEASE, RULE, EXPIRE = range(13)
FRAME: Final = Struct("<Qq")  # number, moment in ms
FORMATS: Final = {
    ROW: Struct("<BBB"),  # bytes of the outlet's and the item's names, which follow
    BUY: Struct("<B16sI16sIIH"),  # key, checksum, person, row, units, day
    BROUGHT: Struct("<B16sI16sIIH16s"),  # and who brought the card
    RESERVE: Struct("<B16sI16sIIH16sq"),  # and until when, ms
    MERGE: Struct("<B16sI16sIIHIB"),  # key, checksum, person, row, units, day, lease's place, units over the quota
    DELIVER: Struct("<B16sIIq"),  # key, checksum, row, units
    RETURN: Struct("<B16sIIq16sH"),  # and whose quota comes back, of which day
    CORRECT: Struct("<B16sIIq"),
    POST: Struct("<B16sII"),  # key, checksum, place
    VOID: Struct("<B16sII?"),  # and whether the quota stays used
    LEASE: Struct("<B16sIIqq"),  # key, checksum, row, units, until
    RULE: Struct("<B16sII"),  # key, checksum, bytes of the edition's JSON, which follows
    EXPIRE: Struct("<BI"),  # place
}
NAMES: Final = {
    BUY: "buy", BROUGHT: "buy", RESERVE: "reserve", MERGE: "merge", DELIVER: "deliver", RETURN: "return",
    CORRECT: "correct", POST: "post", VOID: "void", LEASE: "lease", RULE: "setrule", EXPIRE: "expire",
}  # fmt: skip
Fields = tuple[object, ...]


def read_frame(frame: bytes) -> tuple[int, int, Iterator[tuple[int, Fields, bytes]]]:
    """The first number, the moment, and the records: kind, fields, and what follows them."""
    number, at_ms = FRAME.unpack_from(frame)
    return number, at_ms, _records(frame)


def _records(frame: bytes) -> Iterator[tuple[int, Fields, bytes]]:
    at, end = FRAME.size, len(frame)
    while at < end:
        kind = frame[at]
        form = FORMATS[kind]
        fields = form.unpack_from(frame, at)[1:]
        at += form.size
        follows = 0
        if kind == ROW:
            follows = int(fields[0]) + int(fields[1])
        elif kind == RULE:
            follows = int(fields[2])
        yield kind, fields, frame[at : at + follows]
        at += follows
