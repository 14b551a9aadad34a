"""A person's own uses: who read what, when, why and by which consent or order, each with its receipt.

A use whose notice the law defers shows its day and its commitment only; the commitment is salted and the public entry
of such a use names neither basis nor agency, so that it tells nothing before its day and proves everything after it.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import ReleaseRecord, commitment_of
from banyan.kernel.ledger.histories import history_file
from banyan.kernel.ledger.log import History, Recorded
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy import records, vocabulary
from banyan.kernel.policy.bases import LegalBasis
from banyan.kernel.policy.decision import MESSAGES as REASONS
from banyan.limits_mydata import MYDATA_USES
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import Shelf, own_subject, said, shelf_of

LANGUAGES = ("zh-Hant", "en")
OWN_AFFAIRS = "own-affairs"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask: whose uses they are is known from who asks."""


class OwnUse(msgspec.Struct, frozen=True):
    """One use. `at` is RFC 3339 UTC, `reference` the consent or order it rests on, `request` the call's trace id;
    `receipt` is where its proof is downloaded, empty until the next checkpoint (seconds), `ask` where to complain."""

    index: int
    at: str
    operation: str
    action: Text
    receiver: str
    receiver_name: str
    system: str
    fields: tuple[str, ...]
    basis: str
    basis_title: Text
    statute: Text
    purpose: str
    purpose_title: Text
    reference: str
    request: str
    receipt: str
    ask: str


class LaterUse(msgspec.Struct, frozen=True):
    """One use that the law lets be told later, on the day `reveal_after` (RFC 3339 UTC)."""

    reveal_after: str
    commitment: str


class OwnUses(msgspec.Struct, frozen=True):
    """Newest first. `total` counts both lists; the first `covers` entries of the log are proven complete."""

    total: int
    uses: tuple[OwnUse, ...]
    later: tuple[LaterUse, ...]
    covers: int


class ReceiptQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    index: Annotated[int, msgspec.Meta(ge=0, le=2**53, title="序號 Index")]


class OwnReceipt(msgspec.Struct, frozen=True):
    """A `c2sp.org/tlog-proof@v1` file with the use's own record: only its subject can have it."""

    index: int
    receipt: str


class OwnHistory(msgspec.Struct, frozen=True):
    """A file for `./banyan verify --history`."""

    file: str


@SERVICE.operation(
    "uses",
    title={"zh-Hant": "我的資料被誰用過", "en": "Who used my data"},
    summary={
        "zh-Hant": "誰在何時、依什麼法律、讀了哪些欄位；每筆都有可離線驗證的收據。",
        "en": "Who read which fields, when and under which law; each with a receipt to check offline.",
    },
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
    channels=("web", "api", "counter", "kiosk"),
)
async def uses(ctx: Context, request: Nothing) -> OwnUses:
    shelf = shelf_of(ctx)
    history = await history_of(shelf, own_subject(ctx))
    told = [one for one in history.uses if not is_hidden(one, ctx.now)]
    read = [(one, record_of(one)) for one in reversed(told)]
    known = await shelf.policy.read(
        lambda tx: {name: records.basis_of_version(tx, name.rpartition("@")[2]) for name in {r.basis for _, r in read}}
    )
    published = (await shelf.ledger.head()).published
    return OwnUses(
        total=len(history.uses),
        uses=tuple(_view(one, record, known[record.basis], published, shelf.contact) for one, record in read),
        later=tuple(
            LaterUse(iso(EpochS(one.reveal_after)), commitment_of(one.salt, one.record).hex())
            for one in reversed(history.uses)
            if is_hidden(one, ctx.now)
        ),
        covers=history.covers,
    )


@SERVICE.operation(
    "receipt",
    title={"zh-Hant": "我的收據", "en": "My receipt"},
    summary={"zh-Hant": "自己資料的一次使用的收據。", "en": "The receipt of a use of one's own data."},
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
)
async def receipt(ctx: Context, request: ReceiptQuery) -> OwnReceipt:
    """Raises NotFound alike for a use of somebody else's data, one not told yet, none, and one not covered yet."""
    shelf = shelf_of(ctx)
    history = await history_of(shelf, own_subject(ctx))
    mine = next((one for one in history.uses if one.index == request.index and not is_hidden(one, ctx.now)), None)
    data = await receipt_of(shelf.ledger, mine.index, mine) if mine is not None else None
    if data is None:
        raise NotFound(said("no_receipt"), remedy=said("no_receipt_remedy"))
    return OwnReceipt(request.index, data.decode())


@SERVICE.operation(
    "history",
    title={"zh-Hant": "我的完整使用清單", "en": "My whole list of uses"},
    summary={
        "zh-Hant": "一個檔案，可離線證明沒有漏掉任何一筆。",
        "en": "One file that proves offline that no use is left out.",
    },
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
)
async def history(ctx: Context, request: Nothing) -> OwnHistory:
    """Raises NotFound until the first checkpoint."""
    shelf, subject = shelf_of(ctx), own_subject(ctx)
    found = await history_of(shelf, subject)
    data = await history_file(shelf.ledger, found, bytes.fromhex(subject), ctx.now)
    if data is None:
        raise NotFound(said("no_receipt"), remedy=said("no_receipt_remedy"))
    return OwnHistory(data.decode())


async def history_of(shelf: Shelf, subject: str) -> History:
    return await shelf.ledger.history(bytes.fromhex(subject), most=MYDATA_USES)


def is_hidden(use: Recorded, now: EpochS) -> bool:
    """Whether the law still defers the notice of this use."""
    return use.reveal_after > now


def record_of(use: Recorded) -> ReleaseRecord:
    return msgspec.json.decode(use.record, type=ReleaseRecord)


def _view(use: Recorded, record: ReleaseRecord, basis: LegalBasis | None, published: int, contact: str) -> OwnUse:
    name, _, version = record.basis.rpartition("@")
    words = vocabulary.PURPOSES.get(record.purpose, dict.fromkeys(LANGUAGES, record.purpose))
    title = dict(basis.title) if basis else dict.fromkeys(LANGUAGES, name)
    statute = {lang: basis.statute.said(lang) if basis else record.statute for lang in LANGUAGES}
    if name == OWN_AFFAIRS:  # a representative's or a counter's act: its reason is in the catalogue of messages
        words = title = {lang: REASONS.text(f"basis.{OWN_AFFAIRS}", lang) for lang in LANGUAGES}
        statute = {lang: REASONS.text(f"help.{version}_statute", lang) for lang in LANGUAGES}
    return OwnUse(
        index=use.index,
        at=iso(EpochS(record.at)),
        operation=record.operation,
        action=record.action,
        receiver=record.receiver,
        receiver_name=record.receiver_name or said("oneself"),
        system=record.system,
        fields=record.fields,
        basis=name,
        basis_title=title,
        statute=statute,
        purpose=record.purpose,
        purpose_title=dict(words),
        reference=record.reference,
        request=record.request,
        receipt=f"/mydata/receipt/{use.index}" if use.index < published else "",
        ask=f"mailto:{contact}?subject={quote(said('ask_subject', index=use.index))}" if contact else "",
    )
