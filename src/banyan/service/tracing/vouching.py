"""Numbers of a trace that was made on a machine without a node (`./banyan trace names`): each of two agencies' officers
says here that they may be written, and gets a receipt of the log that the command verifies without a network.

The word is on the log before any number is anywhere, and the public counts tell of it. The log holds a commitment; the
receipt its words: the question by its digest, the order and its end, the agency, and the officer by a pseudonym.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import SALT_BYTES, act_entry, commitment_of
from banyan.kernel.ledger.log import Recorded
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_tracing import TRACE_COUNTS_A_DAY, TRACE_VOUCH_S
from banyan.service.tracing.asking import Why
from banyan.service.tracing.law import DAY_S, PURPOSE, under_order
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import Shelf, both, shelf_of

SQL: Final = load_statements("banyan.service.tracing", "vouching.sql")
ACT: Final = "trace-names"
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", title="問題摘要 Question")]


class Vouching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`question` as `./banyan trace count` prints it: files, cases and rule by their SHA-256."""

    question: Digest
    reason: Why


class Word(msgspec.Struct, frozen=True):
    """What the log has a commitment to; `at` and `until` (the order's end) are epoch seconds."""

    question: str
    order: str
    agency: str
    officer: str
    at: int
    until: int


class Vouched(msgspec.Struct, frozen=True):
    """`receipt` is a file for the command, empty until the log is signed: ask again in a moment. `use_by` is its
    end."""

    question: str
    order: str
    agency: str
    use_by: str
    receipt: str


@SERVICE.operation(
    "vouch", title={"zh-Hant": "同意離線比對寫出名單", "en": "Let an offline trace's numbers be written"},
    summary={"zh-Hant": "兩個機關的人員各自同意後，離線比對才能寫出號碼；先記入帳本，取得收據。",
             "en": "Once officers of two agencies each say so, on the log first, an offline trace may write numbers."},
    data=OPEN, audience="officer", effect="write", purpose=PURPOSE, rate="query", channels=("api",),
)  # fmt: skip
async def vouch(ctx: Context, request: Vouching) -> Vouched:
    """Again within its day answers the same. Raises Denied without an order, Limit at the agency's bound of a day."""
    order, _ = await under_order(ctx)
    shelf, agency = shelf_of(ctx.db), ctx.caller.agency

    def known(tx: Tx) -> tuple[float, bytes, bytes] | None:
        row = tx.row(SQL["newest"], order_id=order.reference, question=request.question, agency=agency)
        if row is None or ctx.now - float(str(row[0])) >= TRACE_VOUCH_S:
            return None
        assert isinstance(row[1], bytes), "a salt is bytes"
        assert isinstance(row[2], bytes), "a record is bytes"
        return float(str(row[0])), row[1], row[2]

    def put(tx: Tx) -> tuple[float, bytes, bytes]:
        if (stands := known(tx)) is not None:
            return stands
        day = int(ctx.now // DAY_S)
        row = tx.row(SQL["said_on"], agency=agency, day=day)
        if row is not None and int(str(row[0])) >= TRACE_COUNTS_A_DAY:
            raise Limit(both("budget", most=TRACE_COUNTS_A_DAY), remedy=both("budget_remedy"))
        officer = shelf.subject_of(f"officer:{ctx.caller.id}").hex()
        word = Word(request.question, order.reference, agency, officer, int(ctx.now), int(order.until))
        salt, record = shelf.random(SALT_BYTES), msgspec.json.encode(word)
        tx.run(SQL["put"], order_id=order.reference, question=request.question, agency=agency, at=ctx.now, day=day,
               officer=ctx.caller.id, reason=request.reason, salt=salt, record=record)  # fmt: skip
        return ctx.now, salt, record

    at, salt, record = await ctx.db.sql.write(put)
    receipt = await _logged(ctx, shelf, order.reference, request.question, said=(at, salt, record))
    use_by = iso(EpochS(min(at + TRACE_VOUCH_S, order.until)))
    return Vouched(request.question, order.reference, agency, use_by, receipt)


async def _logged(ctx: Context, shelf: Shelf, order: str, question: str, *, said: tuple[float, bytes, bytes]) -> str:
    """The receipt, empty until a checkpoint covers it."""
    at, salt, record = said
    agency = ctx.caller.agency
    entry = act_entry(ACT, order=order, agency=agency, commitment=commitment_of(salt, record).hex())
    place = await shelf.ledger.append_once(f"tracing/vouch/{order}/{question}/{agency}/{at}", entry)
    await ctx.db.sql.write(
        lambda tx: tx.run(SQL["place"], order_id=order, question=question, agency=agency, at=at, place=place)
    )
    made = await receipt_of(shelf.ledger, place, Recorded(place, 0, salt, record))
    return made.decode("utf-8") if made is not None else ""


def lists(tx: Tx) -> dict[str, int]:
    """How many questions' numbers were let go under each order."""
    return {str(row[0]): int(str(row[1])) for row in tx.rows(SQL["lists"])}
