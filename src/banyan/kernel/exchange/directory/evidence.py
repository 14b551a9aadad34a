"""Proof that the authority, or whoever has its keys, showed two gateways two directories.

Two notes that it signed and that cannot both be true: two checkpoints of one size with two roots; two checkpoints of
two sizes, with a path (RFC 9162 s2.1.4) by which the larger tree began otherwise; two snapshots of one version. Anyone
with the authority's keys checks it, offline, for ever; who sent it does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Literal, TypeVar

import msgspec

from banyan.kernel.exchange.directory import notes, trust
from banyan.kernel.exchange.directory.notes import Announced, AuthorityKeys, Succession
from banyan.limits_road import DIRECTORY_EVIDENCE_BYTES
from banyan.wire import jcs
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.merkle import Unproven, check_consistency
from banyan.wire.tlog.note import BadNote

T = TypeVar("T")
Kind = Literal["one-size-two-roots", "another-past", "one-version-two-snapshots", "one-serial-two-keys"]
SENTENCES: Final[dict[Kind, str]] = {
    "one-size-two-roots": "The directory's authority signed two different logs of {0} entries.",
    "another-past": "The directory's authority signed a log of {1} entries that does not continue its log of {0}.",
    "one-version-two-snapshots": "The directory's authority signed two snapshots that cannot both be: {0} and {1}.",
    "one-serial-two-keys": "The directory's authority named two keys as its number {0}.",
}
REMEDY: Final = (
    "Keep this file, do not restart or re-join, and tell the officers of the centre and two other agencies: either its "
    "keys are in two hands, or it shows agencies different directories."
)


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`first` and `second`: signed notes as text. Of `another-past`, `root` is that of the larger tree's beginning, and
    `path` leads from it to the larger root."""

    kind: Kind
    first: str
    second: str
    root: bytes = b""
    path: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        return jcs.encode(self)

    @property
    def name(self) -> str:
        """Of its file: the same whoever found it, in whatever order."""
        return sha256(self.encode()).hexdigest()[:32]


def roots(first: bytes, second: bytes) -> Evidence:
    """Two checkpoints of one size."""
    one, other = sorted((first.decode(), second.decode()))
    return Evidence("one-size-two-roots", one, other)


def past(smaller: bytes, larger: bytes, root: bytes, path: Sequence[bytes]) -> Evidence:
    return Evidence("another-past", smaller.decode(), larger.decode(), root, tuple(path))


def entries(first: bytes, second: bytes, *, kind: Kind = "one-version-two-snapshots") -> Evidence:
    return Evidence(kind, first.decode(), second.decode())


def read(data: bytes) -> Evidence:
    """Raises BadNote; nothing is verified yet."""
    if len(data) > DIRECTORY_EVIDENCE_BYTES:
        raise BadNote(f"evidence has at most {DIRECTORY_EVIDENCE_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=Evidence)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadNote(f"no evidence: {error}") from error


def verify(evidence: Evidence, instance: str, chain: Sequence[AuthorityKeys]) -> str:
    """A sentence that says what is proven. Raises BadNote when nothing is. `chain`: keys of the authority, any of which
    may have signed."""
    first, second = evidence.first.encode(), evidence.second.encode()
    if evidence.kind in ("one-size-two-roots", "another-past"):
        return _verify_checkpoints(evidence, chain)
    one, other = _entry(first, instance, chain), _entry(second, instance, chain)
    if evidence.first == evidence.second:
        raise BadNote("one note twice proves nothing")
    if evidence.kind == "one-version-two-snapshots" and isinstance(one, Announced) and isinstance(other, Announced):
        if one.version == other.version or (one.version < other.version) != (one.at <= other.at):
            return SENTENCES[evidence.kind].format(one.version, other.version)
    elif isinstance(one, Succession) and isinstance(other, Succession) and one.keys.serial == other.keys.serial:
        return SENTENCES[evidence.kind].format(one.keys.serial)
    raise BadNote("the two notes do not contradict each other")


def _verify_checkpoints(evidence: Evidence, chain: Sequence[AuthorityKeys]) -> str:
    first, _ = _checkpoint(evidence.first.encode(), chain)
    second, _ = _checkpoint(evidence.second.encode(), chain)
    if evidence.kind == "one-size-two-roots":
        if first.size == second.size and first.root != second.root:
            return SENTENCES[evidence.kind].format(first.size)
        raise BadNote("the two checkpoints do not contradict each other")
    try:
        check_consistency(first.size, second.size, evidence.root, second.root, evidence.path)
    except Unproven as error:
        raise BadNote(f"the path proves nothing: {error}") from error
    if not 0 < first.size < second.size or first.root == evidence.root:
        raise BadNote("the larger log continues the smaller")
    return SENTENCES[evidence.kind].format(first.size, second.size)


def _checkpoint(data: bytes, chain: Sequence[AuthorityKeys]) -> tuple[Checkpoint, int]:
    return _by_any(chain, lambda keys: trust.open_checkpoint(data, keys))


def _entry(data: bytes, instance: str, chain: Sequence[AuthorityKeys]) -> notes.Said:
    return _by_any(chain, lambda keys: notes.opened(data, instance, keys))


def _by_any(chain: Sequence[AuthorityKeys], opened: Callable[[AuthorityKeys], T]) -> T:
    failure = BadNote("no key of the authority is known")
    for keys in reversed(chain):
        try:
            return opened(keys)
        except BadNote as error:
            failure = error
    raise failure
