"""Trust policies (c2sp.org/tlog-policy): which logs and witnesses are known, and which cosignatures are enough.

A policy is a file of lines: `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME all|any|K NAME…`, `quorum NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from banyan.wire.tlog.checkpoint import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, verifier_of
from banyan.wire.tlog.note import BadNote, Verifier, parse_verifier_key

NONE: Final = "none"
"""The quorum that asks for no cosignature."""
LINES: Final = 1_000
"""Of a policy: the specification asks for at least 32 logs, 32 witnesses and 32 groups."""
_SPACE: Final = re.compile(r"[ \t]+")


class Log(msgspec.Struct, frozen=True):
    vkey: str
    url: str = ""

    @property
    def verifier(self) -> Verifier:
        return verifier_of(self.vkey)


class Witness(msgspec.Struct, frozen=True):
    """`name` is the policy's own word for it; `url` its submission prefix."""

    name: str
    vkey: str
    url: str = ""

    @property
    def verifier(self) -> Verifier:
        return verifier_of(self.vkey)


class Group(msgspec.Struct, frozen=True):
    """Cosigned when at least `needs` of its members are."""

    name: str
    needs: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    quorum: str
    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()

    def is_met(self, cosigned: Collection[str]) -> bool:
        """Whether the cosignatures of these witnesses, by their names here, are enough."""
        met = {witness.name for witness in self.witnesses if witness.name in cosigned} | {NONE}
        for group in self.groups:  # a group names only what stands before it
            if sum(member in met for member in group.members) >= group.needs:
                met.add(group.name)
        return self.quorum in met


def parse_policy(text: str) -> Policy:
    """A policy file. Raises BadNote naming the line."""
    if len(text.split("\n")) > LINES:
        raise BadNote(f"a policy has at most {LINES} lines")
    read = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = [word for word in _SPACE.split(line) if word]
        if not words or words[0].startswith("#"):
            continue
        if any((ord(mark) < 0x20 and mark != "\t") or ord(mark) == 0x7F for mark in line):
            raise BadNote(f"line {number}: a policy holds no control characters")
        try:
            read.line(words)
        except BadNote as error:
            raise BadNote(f"line {number}: {error}") from error
    if read.quorum is None:
        raise BadNote("a policy has one quorum line")
    return Policy(read.quorum, tuple(read.logs), tuple(read.witnesses), tuple(read.groups))


class _Reader:
    """A policy as far as it is read."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self._names = {NONE}
        self._members: set[str] = set()
        self._keys: set[tuple[str, bytes]] = set()

    def line(self, words: Sequence[str]) -> None:
        kind, *rest = words
        if kind == "log" and 1 <= len(rest) <= 2:
            self._new_key(kind, rest[0])
            self.logs.append(Log(*rest))
        elif kind == "witness" and 2 <= len(rest) <= 3:
            self._new_name(rest[0])
            self._new_key(kind, rest[1])
            self.witnesses.append(Witness(*rest))
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            if self.quorum is not None:
                raise BadNote("a second quorum")
            if rest[0] not in self._names:
                raise BadNote(f"{rest[0]} is not defined above")
            self.quorum = rest[0]
        else:
            raise BadNote("not 'log VKEY [URL]', 'witness NAME VKEY [URL]', 'group NAME K NAME…' or 'quorum NAME'")

    def _group(self, name: str, needs: str, members: Sequence[str]) -> None:
        count = {"any": "1", "all": str(len(members))}.get(needs, needs)
        if not re.fullmatch(r"[1-9][0-9]{0,3}", count) or int(count) > len(members):
            raise BadNote(f"a group needs 1 to {len(members)} of its members")
        for member in members:
            if member == NONE or member not in self._names:
                raise BadNote(f"{member} is not defined above")
            if member in self._members:
                raise BadNote(f"{member} is a member already")
            self._members.add(member)
        self._new_name(name)
        self.groups.append(Group(name, int(count), tuple(members)))

    def _new_name(self, name: str) -> None:
        if name in self._names:
            raise BadNote(f"{name} is defined already")
        self._names.add(name)

    def _new_key(self, kind: str, vkey: str) -> None:
        _, key_type, key = parse_verifier_key(vkey)
        verifier_of(vkey)
        if kind == "witness" and key_type not in (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44):
            raise BadNote("a witness has a key for cosignatures")
        if (kind, key) in self._keys:
            raise BadNote("the key is there already")
        self._keys.add((kind, key))
