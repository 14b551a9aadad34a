"""Path patterns of access rights: `*` is anything but a slash, `**` is anything, a backslash before `*` or itself makes
them plain. Source: X-Road's PathGlobTest.

Matching walks the path once with the set of reached places as bits, so no pattern makes it slow (a regular
expression with several `.*` would).
"""

from __future__ import annotations

from typing import Final

from banyan import limits
from banyan.errors import Invalid

ANYTHING: Final = "**"


class Glob:
    """A compiled pattern. Raises Invalid: too long."""

    __slots__ = ("_end", "_literal", "_one", "_plain", "_prefix", "_start", "_wide", "pattern")

    def __init__(self, pattern: str) -> None:
        if len(pattern) > limits.XROAD_GLOB_CHARACTERS:
            raise Invalid.at("path", f"A pattern has at most {limits.XROAD_GLOB_CHARACTERS} characters.")
        self.pattern = pattern
        tokens = _tokens(pattern)
        self._plain = None if any(wild for _, wild in tokens) else "".join(char for char, _ in tokens)
        begun = tokens[:-1]
        is_prefix = tokens[-1:] == [("**", True)] and not any(wild for _, wild in begun)
        self._prefix = "".join(char for char, _ in begun) if is_prefix else None
        self._literal: dict[str, int] = {}
        self._one = self._wide = 0
        for at, (sign, wild) in enumerate(tokens):
            if not wild:
                self._literal[sign] = self._literal.get(sign, 0) | 1 << at
            elif sign == "*":
                self._one |= 1 << at
            else:
                self._wide |= 1 << at
        self._end = 1 << len(tokens)
        self._start = self._closed(1)

    def matches(self, text: str) -> bool:
        """Whether the pattern is the whole of `text`, which is decoded and normalised already."""
        if self._prefix is not None:
            return text.startswith(self._prefix)
        if self._plain is not None:
            return self._plain == text
        reached = self._start
        for char in text:
            stay = self._wide if char == "/" else self._wide | self._one
            reached = self._closed((reached & self._literal.get(char, 0)) << 1 | reached & stay)
            if not reached:
                return False
        return bool(reached & self._end)

    def _closed(self, reached: int) -> int:
        """With the places behind wildcards, which may stand for nothing; two wildcards never follow each other."""
        return reached | (reached & (self._one | self._wide)) << 1


def _tokens(pattern: str) -> list[tuple[str, bool]]:
    """(character or wildcard, whether it is a wildcard); a run of stars is one wildcard."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and pattern[at + 1 : at + 2] in ("*", "\\"):
            found.append((pattern[at + 1], False))
            at += 2
        elif char == "*":
            run = len(pattern) - at - len(pattern[at:].lstrip("*"))
            found.append(("*" if run == 1 else "**", True))
            at += run
        else:
            found.append((char, False))
            at += 1
    return found
