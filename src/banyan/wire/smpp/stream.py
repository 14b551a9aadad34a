"""Octets of a connection to PDUs, incrementally. Bounded: a peer cannot make us keep more than one PDU's octets."""

from __future__ import annotations

from banyan.limits_alerts import SMPP_PDU_BYTES
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.pdu import HEAD_BYTES


class Frames:
    """Cut a stream into PDUs. After a Malformed with `is_framing` it must not be fed again: the connection is over."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, octets: bytes) -> list[bytes]:
        """The whole PDUs that these octets complete. Raises Malformed for a command_length that cannot be."""
        data = self._kept + octets if self._kept else octets
        found: list[bytes] = []
        at, end = 0, len(data)
        while at + 4 <= end:
            length = int.from_bytes(data[at : at + 4], "big")
            if not HEAD_BYTES <= length <= SMPP_PDU_BYTES:
                self._kept = b""
                raise Malformed("command_length", f"a PDU has {HEAD_BYTES} to {SMPP_PDU_BYTES} octets", is_framing=True)
            if at + length > end:
                break
            found.append(data[at : at + length])
            at += length
        self._kept = data[at:]
        return found
