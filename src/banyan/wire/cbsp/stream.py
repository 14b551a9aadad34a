"""CBSP frames out of a TCP stream, however it is cut. Bounded: a length beyond what CBSP can say ends the stream."""

from __future__ import annotations

from banyan.limits_alerts import CBSP_FRAME_BYTES
from banyan.wire.cbsp.codec import HEAD_OCTETS
from banyan.wire.cellbroadcast.pages import Malformed


class Frames:
    """Collects octets; keeps at most one frame that is not whole yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, octets: bytes) -> list[bytes]:
        """The frames that are whole now. Raises Malformed when the next one would be longer than any can be."""
        self._rest += octets
        found = []
        at = 0
        while len(self._rest) - at >= HEAD_OCTETS:
            size = HEAD_OCTETS + int.from_bytes(self._rest[at + 1 : at + HEAD_OCTETS], "big")
            if size > CBSP_FRAME_BYTES:
                raise Malformed(f"a frame of {size} octets; the longest of CBSP has less than {CBSP_FRAME_BYTES}")
            if len(self._rest) - at < size:
                break
            found.append(bytes(self._rest[at : at + size]))
            at += size
        del self._rest[:at]
        return found

    @property
    def is_empty(self) -> bool:
        """Is nothing left of a frame? A stream that ends elsewhere was cut."""
        return not self._rest
