"""A page as it goes over the air of GSM: 88 octets in four blocks. Source: TS 23.041 s9.4.1, TS 44.012 s3.3.1."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.wire.cellbroadcast.pages import PAGE_OCTETS, PAGES, Malformed, Page

HEAD_OCTETS: Final = 6
MESSAGE_OCTETS: Final = HEAD_OCTETS + PAGE_OCTETS
BLOCK_OCTETS: Final = 22
_FIRST: Final = 0x20  # link protocol discriminator 01
_LAST: Final = 0x10


class AirPage(msgspec.Struct, frozen=True):
    """One page with its head: it is page `number` of `total`."""

    serial: int
    message_id: int
    dcs: int
    number: int
    total: int
    octets: bytes


def encode(serial: int, message_id: int, dcs: int, pages: tuple[Page, ...]) -> list[bytes]:
    """The 88 octets of each page."""
    head = serial.to_bytes(2, "big") + message_id.to_bytes(2, "big") + bytes([dcs])
    return [head + bytes([number << 4 | len(pages)]) + page.octets for number, page in enumerate(pages, 1)]


def decode(octets: bytes) -> AirPage:
    """One page; octets behind the last block sent are missing, so it may be shorter. Raises Malformed."""
    if not HEAD_OCTETS < len(octets) <= MESSAGE_OCTETS:
        raise Malformed(f"a page on the air has 7 to {MESSAGE_OCTETS} octets, not {len(octets)}")
    # TS 23.041 s9.4.1.2.4: a page parameter that says 0 is read as page 1 of 1.
    number, total = octets[5] >> 4, octets[5] & 0xF
    if not number or not total:
        number = total = 1
    if number > total or total > PAGES:
        raise Malformed(f"page {number} of {total}")
    return AirPage(
        int.from_bytes(octets[:2], "big"), int.from_bytes(octets[2:4], "big"), octets[4], number, total, octets[6:]
    )


def blocks(page: bytes, used: int = PAGE_OCTETS) -> list[bytes]:
    """The blocks of 23 octets of one page of 88; those that hold no used octet are not sent."""
    needed = max(1, -(-(HEAD_OCTETS + used) // BLOCK_OCTETS))
    return [
        bytes([_FIRST | number | (_LAST if number == needed - 1 else 0)]) + page[number * BLOCK_OCTETS :][:BLOCK_OCTETS]
        for number in range(needed)
    ]


class Reader:
    """Puts the blocks of one channel together, as a phone does; a page of which a block is missing is dropped."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def feed(self, block: bytes) -> AirPage | None:
        """One block of 23 octets; the page that it completes."""
        if len(block) != BLOCK_OCTETS + 1 or block[0] & 0xE0 != _FIRST:
            return None
        number = block[0] & 0x0F
        if number == 0:
            self._blocks = []
        if number != len(self._blocks) or number > 3:
            self._blocks = []
            return None
        self._blocks.append(block[1:])
        if not block[0] & _LAST:
            return None
        octets, self._blocks = b"".join(self._blocks), []
        try:
            return decode(octets)
        except Malformed:
            return None
