"""Cell broadcast messages: pages, serial numbers and identifiers (TS 23.041). Octets and structs, no I/O."""

from banyan.wire.cellbroadcast.identifiers import HARMLESS, Class, choose, classify, fitting, is_second_language
from banyan.wire.cellbroadcast.pages import (
    PAGE_OCTETS,
    PAGES,
    Alphabet,
    Coding,
    Decoded,
    Encoded,
    Malformed,
    Page,
    TooLong,
    coding,
    decode,
    encode,
    encode_octets,
)
from banyan.wire.cellbroadcast.serial import Scope, Serial

__all__ = [
    "HARMLESS",
    "PAGES",
    "PAGE_OCTETS",
    "Alphabet",
    "Class",
    "Coding",
    "Decoded",
    "Encoded",
    "Malformed",
    "Page",
    "Scope",
    "Serial",
    "TooLong",
    "choose",
    "classify",
    "coding",
    "decode",
    "encode",
    "encode_octets",
    "fitting",
    "is_second_language",
]
