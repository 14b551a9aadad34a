"""Reading and writing the fields of a PDU: integers, C-octet strings with bounds, TLVs (SMPP 3.4 s3.1, s3.2.4)."""

from __future__ import annotations

from typing import Final

from banyan.errors import Invalid
from banyan.limits_alerts import SMPP_TLVS
from banyan.wire.smpp.codes import Status

TLV_HEAD: Final = 4
Tlvs = tuple[tuple[int, bytes], ...]


class Malformed(Invalid):
    """A PDU that SMPP 3.4 does not allow. `command_status` is what the sender of it is answered. `is_framing`: the
    stream cannot be read any further."""

    def __init__(self, field: str, fix: str, *, command_status: int = Status.RINVCMDLEN, is_framing: bool = False):
        super().__init__(f"{field}: {fix}", remedy="the peer must send what SMPP 3.4 says", kind="smpp-malformed")
        self.command_status = command_status
        self.is_framing = is_framing


class Reader:
    """A cursor over a body. Every read is bounded; what is not there is Malformed."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self._at, self._end = data, at, len(data)

    @property
    def is_over(self) -> bool:
        return self._at >= self._end

    def octet(self, field: str) -> int:
        if self._at >= self._end:
            raise Malformed(field, "the PDU ends before it")
        self._at += 1
        return self._data[self._at - 1]

    def octets(self, field: str, count: int) -> bytes:
        if self._at + count > self._end:
            raise Malformed(field, "the PDU ends inside it")
        self._at += count
        return self._data[self._at - count : self._at]

    def text(self, field: str, most: int) -> str:
        """A C-octet string of at most `most` octets, its NUL included. Octets above ASCII are kept as Latin-1."""
        end = self._data.find(0, self._at, min(self._end, self._at + most))
        if end < 0:
            raise Malformed(field, f"no NUL within {most} octets", command_status=Status.RINVPARLEN)
        found = self._data[self._at : end].decode("latin-1")
        self._at = end + 1
        return found

    def tlvs(self) -> Tlvs:
        """The optional parameters to the end of the PDU."""
        found: list[tuple[int, bytes]] = []
        while self._at < self._end:
            if self._at + TLV_HEAD > self._end:
                raise Malformed("tlv", "the PDU ends inside a tag")
            tag = int.from_bytes(self._data[self._at : self._at + 2], "big")
            length = int.from_bytes(self._data[self._at + 2 : self._at + 4], "big")
            self._at += TLV_HEAD
            found.append((tag, self.octets("tlv", length)))
            if len(found) > SMPP_TLVS:
                raise Malformed("tlv", f"more than {SMPP_TLVS}")
        return tuple(found)


def c_octets(field: str, text: str, most: int) -> bytes:
    """Text with its NUL, at most `most` octets. Raises Malformed: nothing is cut silently, and nothing is shown."""
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        raise Malformed(field, "use Latin-1 characters only") from None
    if len(octets) >= most or b"\0" in octets:
        raise Malformed(field, f"at most {most - 1} octets, none of them NUL", command_status=Status.RINVPARLEN)
    return octets + b"\0"


def octet(field: str, value: int) -> bytes:
    if not 0 <= value <= 255:
        raise Malformed(field, "one octet holds 0 to 255")
    return value.to_bytes(1, "big")


def tlvs_of(tlvs: Tlvs) -> bytes:
    if len(tlvs) > SMPP_TLVS:
        raise Malformed("tlv", f"more than {SMPP_TLVS}")
    for tag, value in tlvs:
        if not 0 <= tag <= 0xFFFF or len(value) > 0xFFFF:
            raise Malformed("tlv", "tag and length have 16 bits each")
    return b"".join(tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for tag, value in tlvs)


def tlv(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first parameter with a tag."""
    return next((value for found, value in tlvs if found == tag), None)
