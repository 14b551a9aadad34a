"""The simple types of the CAP schemas as XSD 1.0 means them: is this text one of the type?

White space around a value counts for `string` and its enumerations, and is no part of the others. Source: XML Schema
part 2 s3.2.7 (dateTime), s3.3.3 (language), s3.2.17 (anyURI), s3.3.13 (integer), s3.2.3 (decimal).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

SPACE: Final = " \t\r\n"
"""White space of XML; Python's is wider, and an ideographic space is text."""
_RUN: Final = re.compile(r"[ \t\r\n]+")
_CAP_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", re.ASCII)
_SURE_TIME: Final = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d[-+](?:0\d|1[0-3]):[0-5]\d",
    re.ASCII,
)
"""Of this form there is always such a time; only what is not of it needs the calendar."""
_TIME: Final = re.compile(
    r"(-?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,20})?(Z|[-+]\d\d:\d\d)?",
    re.ASCII,
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_INTEGER: Final = re.compile(r"[-+]?0*\d{1,24}", re.ASCII)
_DECIMAL: Final = re.compile(r"[-+]?(?=\.?\d)(?P<whole>\d*)(?:\.(?P<part>\d*))?", re.ASCII)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9\-._~:/?#@!$&'()*+,;=%\[\]]")
_PCHAR: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_USER: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})"
_NAME: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_AUTHORITY: Final = rf"//(?:{_USER}*@)?(?:\[[^\]]*\]|{_NAME}*)(?::\d{{1,8}})?(?:/{_PCHAR}*)*"
_PATHS: Final = rf"(?:{_AUTHORITY}|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?|{_PCHAR}+(?:/{_PCHAR}*)*|)"
_TAIL: Final = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?\[\]])*)?"
_ABSOLUTE: Final = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_PATHS}{_TAIL}")
_RELATIVE: Final = re.compile(rf"(?!{_NAME}*(?:@{_NAME}*)*:){_PATHS}{_TAIL}")
_SIMPLE_URI: Final = re.compile(r"https?://[A-Za-z0-9\-.]+(?::\d{1,5})?(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?")


def collapse(text: str) -> str:
    return _RUN.sub(" ", text.strip(SPACE))


def is_cap_time(text: str) -> bool:
    """A dateTime of the form CAP 1.2 allows."""
    return _SURE_TIME.fullmatch(text) is not None or (_CAP_TIME.fullmatch(text) is not None and is_time(text))


def is_time(text: str) -> bool:
    """Any dateTime: CAP 1.0 and 1.1 leave its form to XSD."""
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    zone = match[8] or ""
    if len(zone) == 6 and not (int(zone[4:]) <= 59 and int(zone[1:3]) * 60 + int(zone[4:]) <= 14 * 60):
        return False
    if hour == 24 and (minute or second or (match[7] or "").strip(".0")):
        return False
    if year == 0 or hour > 24 or minute > 59 or second > 59 or not 1 <= month <= 12:
        return False
    return 1 <= day <= _days(year, month)


def normal_time(text: str) -> str:
    """The dateTime in CAP 1.2's form (offset kept, `Z` as -00:00, fractions dropped); empty when it has no offset."""
    text = collapse(text)
    match = _TIME.fullmatch(text)
    if match is None or not match[8] or not 1 <= int(match[1]) <= 9998:
        return ""
    head, zone = text[:19], "-00:00" if match[8] == "Z" else match[8]
    if match[4] == "24":
        head = (datetime.fromisoformat(head.replace("T24", "T00")) + timedelta(days=1)).isoformat()
    return head + zone


def is_language(text: str) -> bool:
    return _LANGUAGE.fullmatch(text) is not None


def is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None


def is_decimal(text: str) -> bool:
    """Up to 24 digits, as many as XSD asks a processor to keep and then some."""
    match = _DECIMAL.fullmatch(text)
    return match is not None and len(match["whole"].lstrip("0")) + len((match["part"] or "").rstrip("0")) <= 24


def is_uri(text: str) -> bool:
    """Nearly anything is an anyURI: what an address may not hold would be escaped; its grammar must hold then."""
    if _SIMPLE_URI.fullmatch(text) is not None:
        return True
    plain = _UNSAFE.sub("_", text)
    return _ABSOLUTE.fullmatch(plain) is not None or _RELATIVE.fullmatch(plain) is not None


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
