"""The centre: makes entries of the log, and takes them by the same checks as every gateway does.

An entry is signed, put under a checkpoint and committed in one step before anybody sees it: a cut-off in between leaves
nothing that a second try would contradict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory import document, notes
from banyan.kernel.exchange.directory.document import BadDocument, Member, Revoked, RevokedKind, Snapshot
from banyan.kernel.exchange.directory.keeper import Keeper, Offer
from banyan.kernel.exchange.directory.notes import Announced, AuthorityKeys, Revocation, Succession
from banyan.limits_road import DIRECTORY_BEAT_S
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.note import Signature

Change = Callable[[Snapshot], Snapshot]


class AuthoritySigner(Protocol):
    """Holds the authority's private keys, in a file or a device."""

    @property
    def keys(self) -> AuthorityKeys: ...

    def sign(self, text: str) -> Signature:
        """The Ed25519 signature of an entry."""

    def sign_checkpoint(self, text: str, at: int) -> bytes:
        """The note with both signatures. `at` in POSIX seconds."""


class Authority:
    """Writes the directory that `keeper` holds. One process, one at a time."""

    def __init__(self, keeper: Keeper, signer: AuthoritySigner, *, clock: Clock) -> None:
        self.keeper, self._signer, self._clock = keeper, signer, clock

    @property
    def snapshot(self) -> Snapshot:
        found = self.keeper.standing.snapshot
        assert found is not None, "a directory is founded with its first snapshot"
        return found

    def change(self, change: Change) -> Snapshot:
        """Issue the next version: what `change` makes of the one in force; `version` and `issued` are set here. Raises
        Invalid: the result is no snapshot."""
        now = self._now()
        found = msgspec.structs.replace(change(self.snapshot), version=self.snapshot.version + 1, issued=now)
        return self._issue(found, ())

    def revoke(self, kind: RevokedKind, subject: str) -> bytes:
        """End something now, for everybody; the note, to be handed around at once."""
        entry = self._entry(Revocation(Revoked(kind, subject, self._now())))
        self._append((entry,), b"")
        self.keeper.take_revocations((entry,))
        return entry

    def beat(self) -> bytes | None:
        """Sign the checkpoint anew when the last is older than DIRECTORY_BEAT_S: so gateways know that the authority
        lives. None when it was not time."""
        if self._now() - self.keeper.held.at < DIRECTORY_BEAT_S:
            return None
        self._append((), b"")
        return self.keeper.held.checkpoint

    def rotate(self, following: AuthoritySigner) -> None:
        """Hand over to other keys, by an entry signed by both and a checkpoint over it by the old."""
        said = Succession(following.keys, self._now())
        assert said.keys.serial == self._signer.keys.serial + 1, "keys are counted one by one"
        text = notes.text_of(self.keeper.anchor.instance, said)
        entry = note.written(text, (self._signer.sign(text), following.sign(text)))
        handover = self._checkpoint((entry,), self._signer)
        before, self._signer = self._signer, following
        try:
            self._append((entry,), b"", handovers=(handover,))
        except BaseException:
            self._signer = before
            raise

    def _issue(self, snapshot: Snapshot, before: Sequence[bytes]) -> Snapshot:
        data = checked_document(snapshot, self.keeper.standing.snapshot)
        said = Announced(snapshot.version, snapshot.issued, notes.digest_of(data), len(data))
        self._append((*before, self._entry(said)), data)
        return snapshot

    def _entry(self, said: Succession | Announced | Revocation) -> bytes:
        text = notes.text_of(self.keeper.anchor.instance, said)
        return note.written(text, (self._signer.sign(text),))

    def _append(self, entries: Sequence[bytes], data: bytes, *, handovers: Sequence[bytes] = ()) -> None:
        signed = self._checkpoint(entries, self._signer)
        self.keeper.take(Offer(self.keeper.held.facts.size, entries, signed, handovers, data))

    def _checkpoint(self, entries: Sequence[bytes], signer: AuthoritySigner) -> bytes:
        size = self.keeper.held.facts.size + len(entries)
        root = self.keeper.root_with(entries)
        text = Checkpoint(self.keeper.anchor.origin, size, root).text
        return signer.sign_checkpoint(text, max(self._now(), self.keeper.held.at))

    def _now(self) -> int:
        """Never before what was signed last, whatever the clock says."""
        announced = self.keeper.held.facts.announced
        return max(int(self._clock()), announced.at if announced else 0)


def found(keeper: Keeper, signer: AuthoritySigner, *, clock: Clock, first: Snapshot) -> Authority:
    """Found a directory: the authority's keys and the first snapshot. On one that is founded nothing is done."""
    authority = Authority(keeper, signer, clock=clock)
    if keeper.held.facts.size:
        return authority
    now = int(clock())
    text = notes.text_of(keeper.anchor.instance, Succession(signer.keys, now))
    named = note.written(text, (signer.sign(text),))
    authority._issue(msgspec.structs.replace(first, version=1, issued=now), (named,))
    return authority


def checked_document(snapshot: Snapshot, before: Snapshot | None = None) -> bytes:
    """The bytes of a snapshot that readers will take; members as in `before` were looked at then. Raises Invalid saying
    why not."""
    same = {(one.member_class, one.code): one for one in before.members} if before else {}
    try:
        data = document.encode(snapshot)
        document.decode(data)
        check_names(snapshot)
        for member in snapshot.members:
            if same.get((member.member_class, member.code)) != member:
                check_keys(snapshot.instance, member)
    except ValueError as error:
        raise Invalid.at("directory", f"{error}.") from error
    return data


def check_names(snapshot: Snapshot) -> None:
    """Raise BadDocument for members or gateways that people, and the names of their logs, could not tell apart."""
    seen: set[tuple[str, ...]] = set()
    for member in snapshot.members:
        owner = member.member_class.casefold(), member.code.casefold()
        for name in (owner, *((*owner, one.server.casefold()) for one in member.gateways)):
            if name in seen:
                raise BadDocument(f"{member.code} has the name of another but for its case")
            seen.add(name)


def check_keys(instance: str, member: Member) -> None:
    """Raise BadDocument for a key that no gateway could use."""
    owner = document.member_id(instance, member)
    for key in member.keys:
        for public in (key.public, key.second):
            if public:
                name = document.key_name(owner, public)
                _ = document.load_verifier(name, public)
                if len(name) > 255:
                    raise BadDocument(f"the name of a key of {member.code} is too long")
