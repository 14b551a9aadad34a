"""What a machine must not answer alone: danger to life, one person's affairs, a personal number. And steering words."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from banyan.kernel.storage import fold

Guard = Literal["", "danger", "despair", "personal", "number"]
Command = Literal["", "cancel", "human", "help", "english", "chinese", "skip", "yes", "back"]
_COMMANDS: tuple[Command, ...] = ("cancel", "human", "help", "english", "chinese", "skip", "yes", "back")
NATIONAL_ID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][12589ABCDabcd][0-9]{8}(?![A-Za-z0-9])")
"""國民身分證統一編號 and 外來人口統一證號: a letter, 1/2/8/9 (or a letter before 2021), eight digits."""


class _Words(msgspec.Struct, frozen=True):
    commands: dict[Command, list[str]]
    danger: dict[str, list[str]]
    personal: dict[str, list[str]]


@cache
def _words() -> _Words:
    text = files("banyan.channel.talk").joinpath("commands.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Words)


def guard(text: str) -> Guard:
    """Why this must not be answered by a machine alone; empty when it may."""
    said, words = fold(text), _words()
    if _any(said, words.danger["despair"]):
        return "despair"
    if _any(said, words.danger["words"]):
        return "danger"
    if NATIONAL_ID.search(text):
        return "number"
    return "personal" if _any(said, words.personal["words"]) else ""


def command(text: str) -> Command:
    """The steering word this is exactly; empty when it is none."""
    said = fold(text)
    for name in _COMMANDS:
        if said in (fold(word) for word in _words().commands.get(name, [])):
            return name
    return ""


def _any(said: str, words: list[str]) -> bool:
    return any(
        re.search(rf"\b{re.escape(fold(word))}\b", said) if word.isascii() else fold(word) in said for word in words
    )
