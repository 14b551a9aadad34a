"""A person's values as rows of two columns: what each is called, and what it says. For tables, CSV and paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from banyan.kernel.catalogue.operation import Text
from banyan.service.credentials.owning import Kind
from banyan.service.credentials.shelf import MESSAGES

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, in both widths."""


def rows_of(values: Mapping[str, Any], kind: Kind, lang: str) -> list[tuple[str, str, str]]:
    """(name, label, value) of every single value, in the order of the answer. Elements of lists are counted from 1."""
    labels = {field.name: field.label for field in kind.fields}
    return [(name, _label(name, labels, lang), _text(value, lang)) for name, value in _walk(values, "")]


def flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(dotted name, value) of another's claims, which have no labels here."""
    return [(name, str(value)) for name, value in _walk(values, "") if name]


def csv_of(rows: Sequence[tuple[str, str, str]], head: tuple[str, str]) -> bytes:
    """UTF-8 with a BOM, as spreadsheets need it for Chinese; no cell is taken for a formula (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row[1:]] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def safe(cell: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe in front of what could begin a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _walk(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _walk(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for number, item in enumerate(value, 1):
            yield from _walk(item, f"{name}.{number}")
    else:
        yield name, value


def _label(name: str, labels: Mapping[str, Text], lang: str) -> str:
    """`members.2.name` as 家庭成員 2 姓名: each part by its own label, where there is one."""
    said, path = [], ""
    for part in name.split("."):
        if part.isdigit():
            said.append(part)
            continue
        path = f"{path}.{part}" if path else part
        said.append(labels[path].get(lang, part) if path in labels else part)
    return " ".join(said)


def _text(value: Any, lang: str) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return MESSAGES.text("credentials.yes" if value else "credentials.no", lang)
    return str(value)
