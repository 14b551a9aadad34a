"""To who runs a node: a line on the terminal, an event of the log; the language of the terminal, and what is a port."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping

import msgspec


def write_event(style: str, name: str, fields: Mapping[str, str | int | float]) -> None:
    """One line of JSON on stderr where `style` is json, as node.toml's `log` says; nothing else."""
    if style == "json":
        line = msgspec.json.encode({"event": name, **fields}).decode()
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log's one way out


def say(line: str) -> None:
    """To who started the node."""
    print(line, flush=True)  # noqa: T201 - the terminal is this verb's channel


def language() -> str:
    """The person's, by the usual variables: zh-Hant for any Chinese, else en."""
    said = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-Hant" if said.startswith("zh") else "en"


def port(text: str) -> int:
    """A TCP port as an argument. argparse says the sentence and ends with 2."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65_535):
        raise ArgumentTypeError("a whole number from 1 to 65535")
    return int(text)
