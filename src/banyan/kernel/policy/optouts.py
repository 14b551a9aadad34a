"""Opting out of secondary use: which kinds there are, and a person's word on one, in force when it is written down.

Constitutional Court 111-憲判-13: who keeps data for one purpose may be told by its subject not to use it for another.
A kind is all of it (`*`), a purpose of the PDPA's list (`157`) or data (`nhi.study`, `nhi.*`), as the register's
secondary bases name them. The word, its effect and its entry in the log are one commit; the entry is a commitment and
says neither who nor what: only its giver, who has the salt, can show what they said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger import log
from banyan.kernel.ledger.entries import SALT_BYTES, act_entry, commitment_of
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Register
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits import POLICY_LIST

SQL: Final = load_statements("banyan.kernel.policy", "optouts.sql")
ALL: Final = "*"
_encode: Final = msgspec.json.Encoder(order="sorted").encode


Sort = Literal["all", "purpose", "data"]


class Kind(msgspec.Struct, frozen=True):
    """A kind of secondary use, and the bases that allow it."""

    key: str
    sort: Sort
    bases: tuple[LegalBasis, ...]


class Word(msgspec.Struct, frozen=True):
    """What a person said last of a kind, in the log at `index`; `salt` and `record` open the commitment there."""

    kind: str
    is_out: bool
    at: EpochS
    index: int
    salt: bytes
    record: bytes


def kinds(register: Register) -> tuple[Kind, ...]:
    """All, then by purpose, then by data. A kind that no basis allows today is not there: it need not be stopped."""
    secondary = tuple(basis for _, basis in sorted(register.by_id.items()) if basis.is_secondary)
    by_purpose: defaultdict[str, list[LegalBasis]] = defaultdict(list)
    by_data: defaultdict[str, list[LegalBasis]] = defaultdict(list)
    for basis in secondary:
        for purpose in basis.purposes:
            by_purpose[purpose].append(basis)
        for operation in basis.operations:
            by_data[operation].append(basis)
    return (
        Kind(ALL, "all", secondary),
        *(Kind(key, "purpose", tuple(found)) for key, found in sorted(by_purpose.items())),
        *(Kind(key, "data", tuple(found)) for key, found in sorted(by_data.items())),
    )


def say(tx: Tx, subject: str, kind: str, *, is_out: bool, now: EpochS, random: Callable[[int], bytes]) -> Word | None:
    """Stop a kind, or let it go on. What was said already stands as it is; letting go on what was never stopped says
    nothing. `tx` is of the store that holds the log too."""
    before = word(tx, subject, kind)
    if before is not None and before.is_out == is_out:
        return before
    if is_out:
        records.opt_out(tx, subject, kind, now)
    elif before is None:
        return None
    else:
        records.opt_in(tx, subject, kind)
    salt, record = random(SALT_BYTES), _encode({"subject": subject, "kind": kind, "is_out": is_out, "at": now})
    index = log.append(tx, act_entry("opt-out", commitment=commitment_of(salt, record).hex()))
    said = Word(kind, is_out, now, index, salt, record)
    named: dict[str, SqlValue] = {"subject": subject, "kind": kind, "at": now, "idx": index}
    tx.run(SQL["put_word"], is_out=int(is_out), salt=salt, record=record, **named)
    return said


def word(tx: Tx, subject: str, kind: str) -> Word | None:
    row = tx.row(SQL["word"], subject=subject, kind=kind)
    return None if row is None else _word(row)


def words_of(tx: Tx, subject: str) -> list[Word]:
    return [_word(row) for row in tx.rows(SQL["words_of"], subject=subject, limit=POLICY_LIST)]


def people_out(tx: Tx) -> dict[str, int]:
    """How many people stopped each kind; one who stopped all and one kind is in both counts."""
    return {str(kind): int(str(count)) for kind, count in tx.rows(SQL["people_out"], limit=POLICY_LIST)}


def _word(row: Row) -> Word:
    kind, is_out, at, index, salt, record = row
    assert isinstance(salt, bytes), "a salt is bytes"
    assert isinstance(record, bytes), "a record is bytes"
    return Word(str(kind), bool(is_out), EpochS(float(str(at))), int(str(index)), salt, record)
