"""Structured fields of HTTP (RFC 9651): header text <-> values. Strict and bounded; no I/O."""

from banyan.wire.structured.model import (
    NO_PARAMETERS,
    BadField,
    BareItem,
    Date,
    Dictionary,
    DisplayString,
    InnerList,
    Item,
    Member,
    Parameters,
    Token,
)
from banyan.wire.structured.parsing import parse_dictionary, parse_item, parse_list
from banyan.wire.structured.writing import (
    write_bare,
    write_dictionary,
    write_item,
    write_list,
    write_member,
    write_parameters,
)

__all__ = [
    "NO_PARAMETERS",
    "BadField",
    "BareItem",
    "Date",
    "Dictionary",
    "DisplayString",
    "InnerList",
    "Item",
    "Member",
    "Parameters",
    "Token",
    "parse_dictionary",
    "parse_item",
    "parse_list",
    "write_bare",
    "write_dictionary",
    "write_item",
    "write_list",
    "write_member",
    "write_parameters",
]
