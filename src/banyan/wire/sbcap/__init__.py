"""SBc-AP, the protocol between a cell broadcast centre and LTE's core network (TS 29.168). No I/O, no SCTP."""

from banyan.wire.sbcap.codec import (
    PAYLOAD_PROTOCOL,
    PORT,
    Counted,
    Eutran,
    Outcome,
    Procedure,
    Sbcap,
    TrackingArea,
    decode,
    encode,
)

__all__ = [
    "PAYLOAD_PROTOCOL",
    "PORT",
    "Counted",
    "Eutran",
    "Outcome",
    "Procedure",
    "Sbcap",
    "TrackingArea",
    "decode",
    "encode",
]
