"""Warnings of other authorities, followed by their feeds: what of it is believed, kept and taken down again.

They are shown as theirs, with what their signature was worth, and go to no phone: only what two officers here release
does. Believed is what is a right CAP alert, Actual, public and current, and signed by a pinned key where the feed's
setting pins any. Everything else is counted by its reason and never shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from banyan.craft.following.rounds import Round, State, Taken
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_alerts import CAP_UNENDING_S, OTHERS_KEPT, OTHERS_KEPT_S, OTHERS_SKEW_S
from banyan.wire.cap import chains
from banyan.wire.cap.model import Alert, MsgType, Scope, Status
from banyan.wire.cap.register import Register
from banyan.wire.cap.signing import Seal
from banyan.wire.cap.values import epoch_s

SQL: Final = load_statements("banyan.service.alerts", "others.sql")
Why = Literal["unreadable", "invalid", "not-actual", "not-public", "no-warning", "not-sealed", "future", "over"]
WARNINGS: Final = (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)
_encode: Final = msgspec.json.Encoder().encode
_alert: Final = msgspec.json.Decoder(Alert).decode


class Source(msgspec.Struct, frozen=True):
    """A feed that node.toml names. With pinned senders only what they signed is believed."""

    name: str
    title: Mapping[str, str]
    pinned: Register = Register()


class Told(msgspec.Struct, frozen=True):
    """How the last round went: `refused` counts what was not believed, by its reason, since the node follows."""

    at: float = 0.0
    trouble: str = ""
    refused: dict[str, int] = {}


class Kept(msgspec.Struct, frozen=True):
    """One that is in force."""

    alert: Alert
    seal: str
    ends_s: int


def doubt(taken: Taken, pinned: Register, now: float) -> Why | None:
    """Why it is not believed; None when it is."""
    alert = taken.alert
    if alert is None:
        return "unreadable"
    if not taken.verdict.is_valid:
        return "invalid"
    if alert.status is not Status.ACTUAL:
        return "not-actual"
    if alert.scope is not Scope.PUBLIC:
        return "not-public"
    if alert.msg_type not in WARNINGS:
        return "no-warning"
    if epoch_s(alert.sent) > now + OTHERS_SKEW_S:
        return "future"
    if alert.msg_type is not MsgType.CANCEL and ends_s(alert) <= now:
        return "over"
    seals = {one.seal for one in taken.seals}
    is_sealed = Seal.GOOD in seals if pinned.senders else seals <= {Seal.NONE, Seal.UNKNOWN}
    return None if is_sealed else "not-sealed"


async def state_of(db: Drawer, source: str) -> State:
    """Where the last round ended."""
    row = await db.sql.read(lambda tx: tx.row(SQL["followed"], source=source))
    return State() if row is None else msgspec.json.decode(_octets(row, 0), type=State)


async def keep(db: Drawer, source: Source, found: Round, now: EpochS) -> None:
    """Take in one round."""

    def job(tx: Tx) -> None:
        refused: Counter[str] = Counter(told_of(tx, source.name).refused)
        for taken in found.taken:
            why = doubt(taken, source.pinned, now)
            if why is not None:
                refused[why] += 1
            elif taken.alert is not None:
                _put(tx, source.name, taken.alert, _seal(taken))
        tx.run(SQL["drop_ended"], source=source.name, before=int(now - OTHERS_KEPT_S))
        trouble = found.failed[0][1] if found.failed else found.findings[0].fix if found.findings else ""
        told = Told(now, trouble[:200], dict(refused))
        tx.run(SQL["put_followed"], source=source.name, state=_encode(found.state), told=_encode(told))

    await db.sql.write(job)


async def forget_but(db: Drawer, names: Sequence[str]) -> None:
    """What is followed no more is shown no more."""

    def job(tx: Tx) -> None:
        for (name,) in tx.rows(SQL["sources"]):
            if name not in names:
                tx.run(SQL["drop_source"], source=name)
                tx.run(SQL["drop_followed"], source=name)

    await db.sql.write(job)


def told_of(tx: Tx, source: str) -> Told:
    row = tx.row(SQL["followed"], source=source)
    return Told() if row is None else msgspec.json.decode(_octets(row, 1), type=Told)


def in_force(tx: Tx, source: str, now: float) -> list[Kept]:
    """What of a source stands now: neither replaced, cancelled nor over; newest first."""
    rows = tx.rows(SQL["all"], source=source, limit=OTHERS_KEPT)
    known = [(_alert(_octets(row, 0)), str(row[1])) for row in rows]
    seals = {(one.sender, one.identifier, one.sent): seal for one, seal in known}
    stand = chains.standings([alert for alert, _ in known], at_s=int(now + OTHERS_SKEW_S)).standings
    return [
        Kept(one.alert, seals[one.alert.sender, one.alert.identifier, one.alert.sent], one.ends_s)
        for one in stand
        if one.state in (chains.State.IN_FORCE, chains.State.UPCOMING) and one.ends_s > now
    ]


def ends_s(alert: Alert) -> int:
    """As chains has it: the latest end, or a day after it was sent."""
    unending = epoch_s(alert.sent) + CAP_UNENDING_S
    return max((epoch_s(info.expires) if info.expires else unending for info in alert.info), default=unending)


def _put(tx: Tx, source: str, alert: Alert, seal: str) -> None:
    tx.run(SQL["put"], source=source, sender=alert.sender, identifier=alert.identifier, sent=epoch_s(alert.sent),
           ends=ends_s(alert), seal=seal, document=_encode(alert))  # fmt: skip


def _seal(taken: Taken) -> str:
    return "good" if any(one.is_good for one in taken.seals) else "none"


def _octets(row: Row, at: int) -> bytes:
    found = row[at]
    assert isinstance(found, bytes), "JSON is kept as bytes"
    return found
