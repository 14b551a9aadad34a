"""Reads structured fields by the steps of RFC 9651 section 4.2. Lines of one field are joined with ", " before.

Stricter than asked in two places where the RFC leaves a choice: base64 only in its one spelling, and with `unique`
no name twice (the RFC lets the last win, which lets two readers of one signed message see two things).
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from banyan.limits import STRUCTURED_CHARS, STRUCTURED_MEMBERS
from banyan.wire.structured.model import (
    NO_PARAMETERS,
    BadField,
    BareItem,
    Date,
    DisplayString,
    InnerList,
    Item,
    Member,
    Parameters,
    Token,
)

_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*+")
_TOKEN: Final = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*+")
_STRING: Final = re.compile(r'"([ !#-\[\]-~]*+(?:\\["\\][ !#-\[\]-~]*+)*+)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_NUMBER: Final = re.compile(r"-?([0-9]++)(?:\.([0-9]*+))?+")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]*+={0,2}+):")
_DISPLAY: Final = re.compile(r'%"((?:[ !#$&-~]|%[0-9a-f]{2})*+)"')
_HEX: Final = re.compile(rb"%([0-9a-f]{2})")
_SPACES: Final = re.compile(r" *+")
_COMMA: Final = re.compile(r"[ \t]*+(?:(,)[ \t]*+)?+")
_BOOLEANS: Final = {"?0": False, "?1": True}
_LAST_OF_ONE_PAD: Final = "AEIMQUYcgkosw048"
_LAST_OF_TWO_PADS: Final = "AQgw"


def parse_item(text: str, *, most: int = STRUCTURED_CHARS) -> Item:
    """An item field. Raises BadField, also when it has more than `most` characters."""
    item, at = _item(text, _start(text, most))
    if _SPACES.fullmatch(text, at) is None:
        raise BadField("something follows the item")
    return item


def parse_list(text: str, *, most: int = STRUCTURED_CHARS) -> list[Member]:
    """A list field; an empty text is an empty list. Raises BadField."""
    members: list[Member] = []
    at = _start(text, most)
    while at < len(text):
        member, at = _member(text, at)
        members.append(member)
        at = _next_member(text, at, len(members))
    return members


def parse_dictionary(text: str, *, unique: bool = False, most: int = STRUCTURED_CHARS) -> dict[str, Member]:
    """A dictionary field; an empty text is an empty one. `unique`: a name that comes twice is refused. Raises
    BadField."""
    members: dict[str, Member] = {}
    at = _start(text, most)
    count = 0
    while at < len(text):
        name, at = _key(text, at)
        member: Member
        if text.startswith("=", at):
            member, at = _member(text, at + 1)
        else:
            parameters, at = _parameters(text, at)
            member = Item(True, parameters)
        if unique and name in members:
            raise BadField("a name comes twice")
        members[name] = member
        count += 1
        at = _next_member(text, at, count)
    return members


def _start(text: str, most: int) -> int:
    """Where the field begins after its leading spaces. Trailing ones are left to the parser of the type."""
    if len(text) > most:
        raise BadField(f"the field has more than {most} characters")
    return _after_spaces(text, 0)


def _next_member(text: str, at: int, count: int) -> int:
    """Past the comma to the next member, or the end of the text."""
    found = _COMMA.match(text, at)
    assert found is not None, "nothing at all matches too"
    if count > STRUCTURED_MEMBERS:
        raise BadField(f"the field has more than {STRUCTURED_MEMBERS} members")
    if found.end() == len(text):
        if found.group(1):
            raise BadField("a comma ends the field")
    elif not found.group(1):
        raise BadField("members are not parted by a comma")
    return found.end()


def _member(text: str, at: int) -> tuple[Member, int]:
    return _inner_list(text, at + 1) if text.startswith("(", at) else _item(text, at)


def _inner_list(text: str, at: int) -> tuple[InnerList, int]:
    items: list[Item] = []
    while True:
        start, at = at, _after_spaces(text, at)
        if text.startswith(")", at):
            parameters, at = _parameters(text, at + 1)
            return InnerList(tuple(items), parameters), at
        if items and at == start:
            raise BadField("items of an inner list are not parted by a space")
        if len(items) == STRUCTURED_MEMBERS:
            raise BadField(f"an inner list has more than {STRUCTURED_MEMBERS} items")
        item, at = _item(text, at)
        items.append(item)


def _item(text: str, at: int) -> tuple[Item, int]:
    value, at = _bare(text, at)
    if text.startswith(";", at):
        parameters, at = _parameters(text, at)
        return Item(value, parameters), at
    return Item(value), at


def _parameters(text: str, at: int) -> tuple[Parameters, int]:
    if not text.startswith(";", at):
        return NO_PARAMETERS, at
    parameters: dict[str, BareItem] = {}
    while text.startswith(";", at):
        name, at = _key(text, _after_spaces(text, at + 1))
        if len(parameters) == STRUCTURED_MEMBERS:
            raise BadField(f"an item has more than {STRUCTURED_MEMBERS} parameters")
        value: BareItem = True
        if text.startswith("=", at):
            value, at = _bare(text, at + 1)
        parameters[name] = value
    return parameters, at


def _key(text: str, at: int) -> tuple[str, int]:
    found = _KEY.match(text, at)
    if found is None:
        raise BadField("a name begins with a small letter or a star")
    return found.group(), found.end()


def _after_spaces(text: str, at: int) -> int:
    while text.startswith(" ", at):
        at += 1
    return at


def _bare(text: str, at: int) -> tuple[BareItem, int]:
    return _READERS.get(text[at : at + 1], _token)(text, at)


def _token(text: str, at: int) -> tuple[Token, int]:
    found = _TOKEN.match(text, at)
    if found is None:
        raise BadField("no item begins like that")
    return Token(found.group()), found.end()


def _boolean(text: str, at: int) -> tuple[bool, int]:
    answer = _BOOLEANS.get(text[at : at + 2])
    if answer is None:
        raise BadField("a boolean is ?0 or ?1")
    return answer, at + 2


def _date(text: str, at: int) -> tuple[Date, int]:
    at_s, at = _number(text, at + 1)
    if not isinstance(at_s, int):
        raise BadField("a date is whole seconds")
    return Date(at_s), at


def _string(text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if found is None:
        raise BadField("a string is not closed, or holds what is not printable ASCII")
    inside = found.group(1)
    return (_ESCAPE.sub(r"\1", inside) if "\\" in inside else inside), found.end()


def _number(text: str, at: int) -> tuple[int | Decimal, int]:
    found = _NUMBER.match(text, at)
    if found is None:
        raise BadField("a number has digits")
    whole, part = found.groups()
    if part is None:
        if len(whole) > 15:
            raise BadField("an integer has at most 15 digits")
        return int(found.group()), found.end()
    if len(whole) > 12 or not 1 <= len(part) <= 3:
        raise BadField("a decimal has at most 12 digits, a point and one to three more")
    return Decimal(found.group()), found.end()


def _bytes(text: str, at: int) -> tuple[bytes, int]:
    found = _BYTES.match(text, at)
    encoded = found.group(1) if found else ""
    if found is None or len(encoded) % 4:
        raise BadField("a byte sequence is base64 between colons")
    if encoded.endswith("="):
        two = encoded.endswith("==")
        if len(encoded) < 4 or encoded[-3 if two else -2] not in (_LAST_OF_TWO_PADS if two else _LAST_OF_ONE_PAD):
            raise BadField("base64 has one spelling")
    return a2b_base64(encoded), found.end()


def _display(text: str, at: int) -> tuple[DisplayString, int]:
    found = _DISPLAY.match(text, at)
    if found is None:
        raise BadField("a display string is not closed, or not percent-encoded as asked")
    try:
        raw = _HEX.sub(lambda pair: bytes([int(pair.group(1), 16)]), found.group(1).encode("ascii"))
        return DisplayString(raw.decode("utf-8")), found.end()
    except UnicodeDecodeError as error:
        raise BadField("a display string is UTF-8") from error


_READERS: Final[Mapping[str, Callable[[str, int], tuple[BareItem, int]]]] = {
    '"': _string,
    ":": _bytes,
    "?": _boolean,
    "@": _date,
    "%": _display,
    **dict.fromkeys("-0123456789", _number),
}
