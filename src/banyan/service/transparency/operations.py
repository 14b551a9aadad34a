"""Operations of the transparency log: how it stands, entries, receipts, uses by basis, orders, the legal register."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.cosigning import Cosigner, cosigned_by
from banyan.kernel.ledger.entries import read_entry
from banyan.kernel.ledger.log import Count
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis
from banyan.kernel.policy.orders import Order
from banyan.limits import TRANSPARENCY_LIST
from banyan.service.transparency.service import SERVICE
from banyan.service.transparency.shelf import shelf_of
from banyan.wire.tlog import note

MESSAGES = load_messages("banyan.service.transparency")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Standing(msgspec.Struct, frozen=True):
    """The log: `published` of its `entries` are under the newest checkpoint. `keys` verify it, `witness_key` is ours as
    a witness of the logs `witness_for`. Of the `witnesses`, `quorum` must have cosigned; `is_met` without any."""

    origin: str
    entries: int
    published: int
    checkpoint: str
    keys: tuple[str, ...]
    witness_key: str
    history: tuple[Grown, ...]
    witnesses: tuple[WitnessView, ...] = ()
    quorum: int = 0
    is_met: bool = True
    witness_for: tuple[str, ...] = ()


class WitnessView(msgspec.Struct, frozen=True):
    """One who cosigns this log. `has_cosigned` the newest checkpoint; `result` of the last time it was asked: cosigned,
    unreachable, late, busy, refused, out-of-step, ahead, forked, lied, resting (it is left alone for a while); empty
    when it was not asked since the start."""

    name: str
    key: str
    has_cosigned: bool
    result: str


class Grown(msgspec.Struct, frozen=True):
    """The log had `size` entries at a time (RFC 3339 UTC), under `signatures` signatures."""

    size: int
    at: str
    signatures: int


class EntriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries from `first` on; the newest when it is left out."""

    first: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=TRANSPARENCY_LIST)] = 20


class EntryView(msgspec.Struct, frozen=True):
    index: int
    kind: str
    fields: dict[str, Any]


class ReceiptQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    index: Annotated[int, msgspec.Meta(ge=0, le=2**53, title="序號 Index")]


class ReceiptAnswer(msgspec.Struct, frozen=True):
    """A `c2sp.org/tlog-proof@v1` file: save it, and check it with `./banyan verify`."""

    index: int
    receipt: str


class OrderView(msgspec.Struct, frozen=True):
    """An order anybody may see: by which agencies, under which bases, from when until when (RFC 3339 UTC)."""

    id: str
    title: dict[str, str]
    incident: str
    bases: tuple[str, ...]
    declared_by: str
    approved_by: str
    start: str
    until: str
    state: str


class Uses(msgspec.Struct, frozen=True):
    """Uses of personal data by basis and receiving agency; counts only."""

    counts: tuple[UseCount, ...]


class UseCount(msgspec.Struct, frozen=True):
    basis: str
    title: dict[str, str]
    statute: dict[str, str]
    receiver: str
    uses: int
    last_at: str


@SERVICE.operation(
    "standing",
    title={"zh-Hant": "日誌現況", "en": "How the log stands"},
    summary={
        "zh-Hant": "筆數、最新檢查點、金鑰與成長歷程。",
        "en": "Entries, the newest checkpoint, keys, and how it grew.",
    },
    data=OPEN,
    audience="public",
)
async def standing(ctx: Context, request: Nothing) -> Standing:
    shelf = shelf_of(ctx.db)
    head, grown = await shelf.ledger.head(), await shelf.ledger.checkpoints(TRANSPARENCY_LIST)
    witnesses, quorum, is_met = _witnesses(shelf.cosigner, head.checkpoint)
    return Standing(
        origin=shelf.keys.origin,
        entries=head.entries,
        published=head.published,
        checkpoint=head.checkpoint.decode(),
        keys=shelf.keys.vkeys,
        witness_key=shelf.keys.witness_vkey,
        history=tuple(Grown(one.size, iso(EpochS(one.at)), one.signed.count("\u2014 ".encode())) for one in grown),
        witnesses=witnesses,
        quorum=quorum,
        is_met=is_met,
        witness_for=tuple(sorted(shelf.witnessed)),
    )


def _witnesses(cosigner: Cosigner | None, checkpoint: bytes) -> tuple[tuple[WitnessView, ...], int, bool]:
    """Who cosigned a checkpoint as its lines say, and how asking went."""
    if cosigner is None:
        return (), 0, True
    policy = cosigner.policy
    have = cosigned_by(policy, note.parse(checkpoint)) if checkpoint else frozenset()
    results = {one.name: one.result for one in cosigner.last.witnesses} if cosigner.last else {}
    views = tuple(
        WitnessView(one.name, one.vkey, one.name in have, results.get(one.name, "")) for one in policy.witnesses
    )
    return views, sum(group.needs for group in policy.groups), policy.is_met(have)


@SERVICE.operation(
    "entries",
    title={"zh-Hant": "日誌內容", "en": "Entries"},
    summary={
        "zh-Hant": "公開的紀錄：承諾值與公開行為，沒有個人資料。",
        "en": "Commitments and public acts; no personal data.",
    },
    data=OPEN,
    audience="public",
)
async def entries(ctx: Context, request: EntriesQuery) -> tuple[EntryView, ...]:
    """Oldest first; only entries under a checkpoint."""
    ledger = shelf_of(ctx.db).ledger
    published = (await ledger.head()).published
    first = max(0, published - request.limit) if request.first is None else request.first
    found = []
    for index in range(first, min(published, first + request.limit)):
        fields = read_entry(await ledger.entry(index))
        found.append(EntryView(index, str(fields.get("kind", "")), fields))
    return tuple(found)


@SERVICE.operation(
    "receipt",
    title={"zh-Hant": "收據", "en": "Receipt"},
    summary={"zh-Hant": "一筆紀錄的收據，可離線驗證。", "en": "The receipt of an entry, to be checked offline."},
    data=OPEN,
    audience="public",
)
async def receipt(ctx: Context, request: ReceiptQuery) -> ReceiptAnswer:
    """Raises NotFound for an entry no checkpoint covers yet."""
    data = await receipt_of(shelf_of(ctx.db).ledger, request.index)
    if data is None:
        title = MESSAGES.text("transparency.no_entry", "zh-Hant", index=request.index)
        raise NotFound(title, remedy=MESSAGES.text("transparency.no_entry_remedy", "zh-Hant"))
    return ReceiptAnswer(request.index, data.decode())


@SERVICE.operation(
    "orders",
    title={"zh-Hant": "命令", "en": "Orders"},
    summary={
        "zh-Hant": "超出平時法律的權力：誰宣告、誰核可、到何時為止。",
        "en": "Powers beyond ordinary law: by whom, until when.",
    },
    data=OPEN,
    audience="public",
)
async def orders(ctx: Context, request: Nothing) -> tuple[OrderView, ...]:
    """In force first, then by their end, the newest first."""
    found = await shelf_of(ctx.db).policy.read(records.all_orders)
    views = [order_view(order, ctx.now) for order in found]
    return tuple(sorted(views, key=lambda view: view.state != "in-force"))


@SERVICE.operation(
    "uses",
    title={"zh-Hant": "使用統計", "en": "Uses of personal data"},
    summary={"zh-Hant": "各法律依據與機關的使用次數。", "en": "How often each legal basis let each agency read."},
    data=OPEN,
    audience="public",
)
async def uses(ctx: Context, request: Nothing) -> Uses:
    shelf = shelf_of(ctx.db)
    counts = await shelf.ledger.counts(TRANSPARENCY_LIST, ctx.now)
    known = await shelf.policy.read(
        lambda tx: {one.basis: records.basis_of_version(tx, one.basis.rpartition("@")[2]) for one in counts}
    )
    return Uses(tuple(_count(one, known[one.basis]) for one in counts))


@SERVICE.operation(
    "register",
    title={"zh-Hant": "法律依據全文", "en": "Legal bases as registered"},
    summary={
        "zh-Hant": "個人資料保護法第 17 條的公開登記：依據、目的、欄位、對象、保存與落日。",
        "en": "The public register of PDPA article 17: basis, purpose, fields, recipients, retention and sunset.",
    },
    data=OPEN,
    audience="public",
)
async def register(ctx: Context, request: Nothing) -> tuple[LegalBasis, ...]:
    """By id."""
    found = await shelf_of(ctx.db).policy.read(records.read_register)
    return tuple(found.by_id[name] for name in sorted(found.by_id))


def order_view(order: Order, now: EpochS) -> OrderView:
    return OrderView(
        id=order.id,
        title=dict(order.title),
        incident=order.incident,
        bases=order.bases,
        declared_by=order.declared_by.agency,
        approved_by=order.approved_by.agency if order.approved_by else "",
        start=iso(order.start),
        until=iso(order.last_second),
        state=order.state(now),
    )


def _count(one: Count, basis: LegalBasis | None) -> UseCount:
    name = one.basis.rpartition("@")[0]
    return UseCount(
        basis=name,
        title=dict(basis.title) if basis else {"zh-Hant": name, "en": name},
        statute={lang: basis.statute.said(lang) for lang in ("zh-Hant", "en")} if basis else {},
        receiver=one.receiver,
        uses=one.uses,
        last_at=iso(EpochS(one.last_at)),
    )
