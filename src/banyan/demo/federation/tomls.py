"""A node.toml from settings: what differs from the defaults, in the order that node.example.toml has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from banyan.settings import Settings


def written(settings: Settings) -> str:
    """The file. Read again it gives the same settings."""
    told, usual = msgspec.to_builtins(settings), msgspec.to_builtins(Settings())
    return "\n".join(["# Written by ./banyan up --federation.", *_table(told, usual, "")]) + "\n"


def _table(told: Mapping[str, Any], usual: Mapping[str, Any], prefix: str) -> list[str]:
    changed = {key: value for key, value in told.items() if value != usual.get(key)}
    lines = [f"{key} = {_value(value)}" for key, value in changed.items() if not _is_table(value)]
    for key, value in changed.items():
        if isinstance(value, dict):
            lines += ["", f"[{prefix}{key}]", *_table(value, usual.get(key) or {}, f"{prefix}{key}.")]
        elif _is_table(value):
            for one in value:
                lines += ["", f"[[{prefix}{key}]]", *(f"{name} = {_value(item)}" for name, item in one.items())]
    return lines


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(one, dict) for one in value)
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return msgspec.json.encode(value).decode()
