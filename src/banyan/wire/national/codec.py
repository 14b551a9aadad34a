"""The standard's JSON in and out, and its XML in. UTF-8 text as it is, never \\u escapes.

`decode` never guesses silently: what it had to change or could not place is a fault beside the datasets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import msgspec

from banyan import limits
from banyan.errors import Problem
from banyan.wire.national.check import Fault, check
from banyan.wire.national.model import Dataset, Resource
from banyan.wire.xmltext import parse

_DATASET_FIELDS = frozenset(Dataset.__struct_fields__)
_RESOURCE_FIELDS = frozenset(Resource.__struct_fields__)
_SEPARATOR = re.compile(r"[,，、;；]")


class Read(msgspec.Struct, frozen=True):
    """What a document held. A dataset that has an error among `faults` must not be imported."""

    datasets: tuple[Dataset, ...]
    faults: tuple[Fault, ...]

    @property
    def errors(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.severity == "error")


def decode(body: bytes) -> Read:
    """Read one dataset or a list of them, and check each. Never raises on content: the faults say it all."""
    try:
        document = _xml(body) if body.lstrip().startswith(b"<") else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Read((), (Fault("", "json", values={"reason": str(error)}),))
    except Problem as error:
        return Read((), (Fault("", "xml", values={"reason": error.title}),))
    items = document if isinstance(document, list) else [document]
    if len(items) > limits.NATIONAL_DATASETS:
        return Read((), (Fault("", "too-many", values={"limit": str(limits.NATIONAL_DATASETS)}),))
    faults: list[Fault] = []
    datasets = []
    for index, item in enumerate(items):
        at = f"{index}." if isinstance(document, list) else ""
        if not isinstance(item, dict):
            faults.append(Fault(at.rstrip("."), "not-object"))
            continue
        dataset = _dataset(item, at, faults)
        datasets.append(dataset)
        faults += check(dataset, at)
    return Read(tuple(datasets), tuple(faults))


def _xml(body: bytes) -> list[dict[str, object]]:
    """The same fields as elements: a root of datasets, or one dataset. Namespaces are ignored."""
    root = parse(body)
    items = [root] if root.find("{*}title") is not None else list(root)
    return [_fields(item) for item in items]


def _fields(item: Element) -> dict[str, object]:
    found: dict[str, object] = {}
    lists: dict[str, list[object]] = {"keyword": [], "distribution": []}
    for child in item:
        name = child.tag.rpartition("}")[2]
        if name in lists:
            lists[name].append(_fields(child) if len(child) else (child.text or ""))
        else:
            found[name] = child.text or ""
    return found | {name: values for name, values in lists.items() if values}


def encode(datasets: Sequence[Dataset]) -> bytes:
    """The JSON array of datasets, ready to be read by another portal."""
    return b"[" + b",\n".join(encode_one(dataset) for dataset in datasets) + b"]"


def encode_one(dataset: Dataset) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(dataset), "numberOfData": _number_out(dataset)})


def _number_out(dataset: Dataset) -> int | str:
    return "" if dataset.numberOfData is None else dataset.numberOfData


def _dataset(item: dict[str, object], at: str, faults: list[Fault]) -> Dataset:
    values: dict[str, object] = {}
    for name, value in item.items():
        if name not in _DATASET_FIELDS:
            faults.append(Fault(at + name[:80], "unknown", "warning"))
        elif name == "keyword":
            values[name] = _keywords(value)
        elif name == "numberOfData":
            values[name] = _number(value, at + name, faults)
        elif name == "distribution":
            values[name] = _resources(value, at + name, faults)
        else:
            values[name] = _text(value, at + name, faults)
    return msgspec.convert(values, Dataset)


def _resources(value: object, at: str, faults: list[Fault]) -> list[object]:
    if not isinstance(value, list) or len(value) > limits.NATIONAL_RESOURCES:
        faults.append(Fault(at, "not-list"))
        return []
    found: list[object] = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            faults.append(Fault(f"{at}.{index}", "not-object"))
            continue
        unknown = [name for name in item if name not in _RESOURCE_FIELDS]
        faults += [Fault(f"{at}.{index}.{name[:80]}", "unknown", "warning") for name in unknown]
        names = [name for name in item if name in _RESOURCE_FIELDS]
        found.append({name: _text(item[name], f"{at}.{index}.{name}", faults) for name in names})
    return found


def _keywords(value: object) -> list[str]:
    words = value if isinstance(value, list) else _SEPARATOR.split(value) if isinstance(value, str) else []
    return [word.strip() for word in words if isinstance(word, str) and word.strip()]


def _number(value: object, at: str, faults: list[Fault]) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    faults.append(Fault(at, "integer", values={"found": str(value)[:40]}))
    return None


def _text(value: object, at: str, faults: list[Fault]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > limits.NATIONAL_TEXT_CHARACTERS:
            faults.append(Fault(at, "too-long", values={"limit": str(limits.NATIONAL_TEXT_CHARACTERS)}))
            return ""
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    faults.append(Fault(at, "not-text"))
    return ""
