"""Aligned packed encoding (APER) of the few ASN.1 shapes that SBc-AP has. Source: X.691."""

from __future__ import annotations

from banyan.wire.cellbroadcast.pages import Malformed


class Writer:
    """Bits, the most significant first, and octets on octet boundaries."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._free = 0

    def bits(self, value: int, width: int) -> None:
        for place in range(width - 1, -1, -1):
            if not self._free:
                self._octets.append(0)
                self._free = 8
            self._free -= 1
            self._octets[-1] |= (value >> place & 1) << self._free

    def octets(self, value: bytes) -> None:
        """Octets behind the next boundary."""
        self._free = 0
        self._octets += value

    def number(self, value: int, least: int, most: int) -> None:
        """A constrained whole number (X.691 s11.5.7)."""
        assert least <= value <= most, f"{value} is not in {least}..{most}"
        spread = most - least + 1
        if spread <= 255:
            self.bits(value - least, (spread - 1).bit_length())
        elif spread <= 65_536:
            self.octets((value - least).to_bytes(1 if spread == 256 else 2, "big"))
        else:
            size = max(1, ((value - least).bit_length() + 7) // 8)
            longest = ((spread - 1).bit_length() + 7) // 8
            self.bits(size - 1, (longest - 1).bit_length())
            self.octets((value - least).to_bytes(size, "big"))

    def bit_string(self, value: int, width: int) -> None:
        """One of fixed size: on a boundary when longer than 16 bits (X.691 s16.9-10)."""
        if width > 16:
            self._free = 0
        self.bits(value, width)

    def octet_string(self, value: bytes, least: int, most: int) -> None:
        """X.691 s17: up to two octets of fixed size stand unaligned, others on a boundary."""
        if least == most and most <= 2:
            self.bits(int.from_bytes(value, "big"), 8 * most)
            return
        if least != most:
            self.number(len(value), least, most)
        self.octets(value)

    def open_type(self, value: bytes) -> None:
        """A length, then that many octets (X.691 s11.2, s11.9); below 16 KiB, so it is never cut."""
        assert len(value) < 16_384, "an open type of 16 KiB would be cut into fragments"
        self.octets(bytes([len(value)]) if len(value) < 128 else (0x8000 | len(value)).to_bytes(2, "big"))
        self.octets(value)

    def done(self) -> bytes:
        return bytes(self._octets) or b"\x00"


class Reader:
    """Reads what Writer writes. Raises Malformed at the end of the octets."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._bit = 0

    def bits(self, width: int) -> int:
        if self._bit + width > 8 * len(self._octets):
            raise Malformed("the message ends early")
        value = 0
        for place in range(self._bit, self._bit + width):
            value = value << 1 | (self._octets[place // 8] >> (7 - place % 8)) & 1
        self._bit += width
        return value

    def octets(self, count: int) -> bytes:
        at = (self._bit + 7) // 8
        if at + count > len(self._octets):
            raise Malformed("the message ends early")
        self._bit = 8 * (at + count)
        return self._octets[at : at + count]

    def number(self, least: int, most: int) -> int:
        spread = most - least + 1
        if spread <= 255:
            value = self.bits((spread - 1).bit_length())
        elif spread <= 65_536:
            value = int.from_bytes(self.octets(1 if spread == 256 else 2), "big")
        else:
            longest = ((spread - 1).bit_length() + 7) // 8
            value = int.from_bytes(self.octets(self.bits((longest - 1).bit_length()) + 1), "big")
        if value >= spread:
            raise Malformed(f"a number is not in {least}..{most}")
        return least + value

    def bit_string(self, width: int) -> int:
        if width > 16:
            self.octets(0)
        return self.bits(width)

    def octet_string(self, least: int, most: int) -> bytes:
        if least == most and most <= 2:
            return self.bits(8 * most).to_bytes(most, "big")
        return self.octets(most if least == most else self.number(least, most))

    def open_type(self) -> bytes:
        size = self.octets(1)[0]
        if size & 0xC0 == 0xC0:
            raise Malformed("an element of 16 KiB or more is not read")
        if size & 0x80:
            size = (size & 0x3F) << 8 | self.octets(1)[0]
        return self.octets(size)

    def extensions(self, has_extension: bool, has_container: bool) -> None:
        """Refuse what no version that is read here has."""
        if has_extension or has_container:
            raise Malformed("a sequence has extensions that are not read")
