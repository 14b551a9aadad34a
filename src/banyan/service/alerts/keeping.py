"""Alerts in the drawer: each function a step on a Tx."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_alerts import ALERT_DESK, ALERT_SHOWN, ALERT_WARRANTS
from banyan.service.alerts.model import Alert
from banyan.service.alerts.places import Warrant

SQL: Final = load_statements("banyan.service.alerts", "alerts.sql")
CODES: Final = 1_024
"""Message codes of cell broadcast: 10 bits (TS 23.041 s9.4.1.2.1)."""
EVER: Final = 1e12
"""Later than any moment."""
ResultState = Literal["waiting", "sent", "partly", "failed", "skipped"]
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(Alert).decode


class Act(msgspec.Struct, frozen=True):
    """What an idempotency key did."""

    alert: str
    step: str
    digest: str
    entry: int


class Lived(msgspec.Struct, frozen=True):
    """One step of an alert's life, as the page shows it; the officer stays in the drawer."""

    step: str
    at: float
    agency: str
    entry: int


class Result(msgspec.Struct, frozen=True):
    """What a channel did with one message: `reached` of `total` cells or numbers."""

    version: int
    channel: str
    state: ResultState
    reached: int
    total: int
    note: str
    tries: int
    at: float


def alert_of(tx: Tx, id: str) -> Alert | None:
    row = tx.row(SQL["alert"], id=id)
    return None if row is None else _alert(row)


def put_alert(tx: Tx, alert: Alert) -> None:
    newest = alert.newest
    tx.run(
        SQL["put_alert"],
        id=alert.id,
        agency=alert.agency,
        second=alert.second,
        status=alert.status if newest or alert.pending else "Draft",
        stage=_stage(alert),
        sent=newest.sent if newest else 0.0,
        ends=(newest.sent if newest.kind == "Cancel" else newest.content.expires) if newest else 0.0,
        document=_encode(alert),
    )


def out(tx: Tx, now: EpochS) -> list[Alert]:
    """What the public is told of now, exercises among them."""
    return [_alert(row) for row in tx.rows(SQL["out"], now=now, limit=ALERT_SHOWN)]


def over(tx: Tx, now: EpochS, before: float, limit: int) -> list[Alert]:
    """What ended, newest first, sent before `before`."""
    return [_alert(row) for row in tx.rows(SQL["over"], now=now, before=before, limit=limit)]


def desk(tx: Tx, agency: str) -> list[Alert]:
    return [_alert(row) for row in tx.rows(SQL["desk"], agency=agency, limit=ALERT_DESK)]


def changed_at(tx: Tx, now: EpochS) -> float:
    """When the public's view last changed."""
    row = tx.row(SQL["newest_change"], now=now)
    return float(row[0] or 0) if row else 0.0


def act_of(tx: Tx, key: str) -> Act | None:
    row = tx.row(SQL["act"], key=key)
    return None if row is None else msgspec.convert(dict(zip(Act.__struct_fields__, row, strict=True)), Act)


def put_act(tx: Tx, key: str, act: Act, *, at: EpochS, agency: str, officer: str) -> None:
    tx.run(SQL["put_act"], key=key, alert=act.alert, step=act.step, digest=act.digest, at=at, agency=agency,
           officer=officer, entry=act.entry)  # fmt: skip


def life_of(tx: Tx, alert: str) -> tuple[Lived, ...]:
    rows = tx.rows(SQL["acts"], alert=alert)
    return tuple(msgspec.convert(dict(zip(Lived.__struct_fields__, row, strict=True)), Lived) for row in rows)


def warrants(tx: Tx) -> tuple[Warrant, ...]:
    return tuple(_warrant(row) for row in tx.rows(SQL["warrants"], limit=ALERT_WARRANTS))


def warrants_of(tx: Tx, agency: str, event: str) -> tuple[Warrant, ...]:
    rows = tx.rows(SQL["warrants_of"], agency=agency, event=event, limit=ALERT_WARRANTS)
    return tuple(_warrant(row) for row in rows)


def sender_of(tx: Tx, agency: str) -> str:
    """CAP's name of an agency; of one without any warrant its member id, as CAP can write it."""
    row = tx.row(SQL["sender_of"], agency=agency)
    return str(row[0]) if row else agency.lower().replace("/", ".")


def senders(tx: Tx) -> tuple[str, ...]:
    """Every name under which this node's documents are, or were, sent."""
    return tuple(str(row[0]) for row in tx.rows(SQL["senders"], limit=ALERT_WARRANTS))


def signed(tx: Tx, alert: str, version: int) -> bytes | None:
    """A message's CAP document, when it was signed."""
    row = tx.row(SQL["signed"], alert=alert, version=version)
    return None if row is None else _octets(row)


def put_signed(tx: Tx, alert: str, version: int, *, sender: str, document: bytes) -> bytes:
    """Keep it; the one that is kept, which may be another's who was first."""
    tx.run(SQL["put_signed"], alert=alert, version=version, sender=sender, document=document)
    return signed(tx, alert, version) or document


def put_warrant(tx: Tx, one: Warrant) -> None:
    tx.run(SQL["put_warrant"], agency=one.agency, event=one.event, area=one.area, second=one.second, sender=one.sender)


def drop_warrant(tx: Tx, one: Warrant) -> None:
    tx.run(SQL["drop_warrant"], agency=one.agency, event=one.event, area=one.area)


def results_of(tx: Tx, alert: str) -> tuple[Result, ...]:
    rows = tx.rows(SQL["results"], alert=alert)
    return tuple(msgspec.convert(dict(zip(Result.__struct_fields__, row, strict=True)), Result) for row in rows)


def put_result(tx: Tx, alert: str, result: Result) -> None:
    """`tries` counts by itself."""
    tx.run(SQL["put_result"], alert=alert, version=result.version, channel=result.channel, state=result.state,
           reached=result.reached, total=result.total, note=result.note, at=result.at)  # fmt: skip


def code_of(tx: Tx, alert: str, now: EpochS) -> int:
    """The alert's message code, given at its first asking: the next in turn that no alert still out has."""
    row = tx.row(SQL["code_of"], alert=alert)
    if row is not None:
        return int(row[0] or 0)
    taken = {int(one[0] or 0) for one in tx.rows(SQL["codes_taken"], now=now)}
    given = tx.row(SQL["codes_given"])
    first = int(given[0] or 0) if given else 0
    code = next((one % CODES for one in range(first, first + CODES) if one % CODES not in taken), first % CODES)
    tx.run(SQL["put_code"], alert=alert, code=code)
    return code


def _stage(alert: Alert) -> str:
    newest = alert.newest
    if newest is not None:
        return "over" if newest.kind == "Cancel" else "out"
    if alert.is_withdrawn:
        return "withdrawn"
    return "proposed" if alert.pending is not None and alert.pending.stage == "proposed" else "draft"


def _alert(row: Row) -> Alert:
    return _decode(_octets(row))


def _octets(row: Row) -> bytes:
    document = row[0]
    assert isinstance(document, bytes), "a document is bytes"
    return document


def _warrant(row: Row) -> Warrant:
    return Warrant(*(str(one) for one in row))
