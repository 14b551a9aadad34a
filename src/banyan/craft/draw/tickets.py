"""Tickets of a draw: a person's name for this one round, and the one list that all of them make.

A ticket is HMAC-SHA-256 of the person (or of the household, which draws as one) under the round's own key: nobody can
try out all national numbers, and two rounds' lists cannot be laid side by side. What a draw lists are entries: a bare
ticket of 32 bytes (one person, one lot, no stratum), or one with three bytes after it, its stratum, how many people it
stands for, and how many lots it draws. All of them are settled before the seed exists, for the tree is over entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from banyan.kernel.identity.pseudonyms import KEY_BYTES, pseudonym

TICKET_BYTES: Final = 32
ENTRY_BYTES: Final = TICKET_BYTES + 3
_BYTE: Final = msgspec.Meta(ge=1, le=255)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a ticket draws for: a `stratum` (0 is the public at large), `people` who win or lose together, `lots`."""

    ticket: bytes
    stratum: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    people: Annotated[int, _BYTE] = 1
    lots: Annotated[int, _BYTE] = 1


class NotCanonical(ValueError):
    """A list of entries that is no draw's list: out of order, doubled, or of a wrong length."""


def ticket(key: bytes, person: bytes) -> bytes:
    """The ticket of a person's (or household's) pseudonym under the round's key of 32 bytes or more."""
    assert len(key) >= KEY_BYTES, "a round's key has 256 bits"
    return pseudonym(key, person)


def packed(entry: Entry) -> bytes:
    """An entry's bytes; a bare ticket where nothing sets it apart."""
    assert len(entry.ticket) == TICKET_BYTES, "a ticket is 32 bytes"
    if (entry.stratum, entry.people, entry.lots) == (0, 1, 1):
        return entry.ticket
    return entry.ticket + bytes((entry.stratum, entry.people, entry.lots))


def unpacked(data: bytes) -> Entry:
    """Raises NotCanonical for bytes that `packed` never gives."""
    if len(data) == TICKET_BYTES:
        return Entry(data)
    if len(data) != ENTRY_BYTES or 0 in data[-2:] or data[-3:] == b"\x00\x01\x01":
        raise NotCanonical("an entry is a ticket of 32 bytes, or one with its stratum, people and lots")
    return Entry(data[:TICKET_BYTES], *data[TICKET_BYTES:])


def canonical(entries: Iterable[bytes]) -> list[bytes]:
    """The draw's list: sorted, each entry once. Raises NotCanonical when one ticket comes with two different entries,
    for then somebody would draw twice."""
    found = sorted(set(entries))
    check_canonical(found)
    return found


def check_canonical(entries: list[bytes]) -> None:
    """Raise NotCanonical unless the list is sorted, each ticket stands once, and each entry is well made."""
    before = b""
    for entry in entries:
        if len(entry) != TICKET_BYTES:
            unpacked(entry)
        at = entry[:TICKET_BYTES]
        if at <= before:
            raise NotCanonical("a ticket stands twice in the list" if at == before else "the list is not sorted")
        before = at
