"""Numbers of a trace that was made on a machine without a node (`./banyan trace names`): each of two agencies' officers
says here that they may be written, and gets a receipt of the log that the command verifies without a network.

The word is on the log before any number is anywhere, and the public counts tell of it. With the second word comes the
list, sealed for this node: its persons' own lists of uses tell of it before the receipt does. The log holds a
commitment; the receipt its words: the question and the list by their digests, the order and its end, the agency, and
the officer by a pseudonym.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Final

import msgspec

from banyan.craft.tracing.notice import Listed, public_of, unsealed
from banyan.craft.tracing.places import rounded
from banyan.errors import Conflict, Invalid, Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import SALT_BYTES, act_entry, commitment_of
from banyan.kernel.ledger.log import Recorded
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy.judging import OrderTerms
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_tracing import TRACE_COUNTS_A_DAY, TRACE_NOTICE_CHARS, TRACE_VOUCH_S
from banyan.service.tracing.asking import Why
from banyan.service.tracing.law import DAY_S, PURPOSE, under_order
from banyan.service.tracing.noticing import note, secret_of
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import both, shelf_of

SQL: Final = load_statements("banyan.service.tracing", "vouching.sql")
ACT: Final = "trace-names"
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", title="問題摘要 Question")]


class Vouching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`question` as `./banyan trace count` prints it: files, cases and rule by their SHA-256. `notice`, with the second
    agency's word: what `./banyan trace notice` wrote, in base64."""

    question: Digest
    reason: Why
    notice: Annotated[str, msgspec.Meta(max_length=TRACE_NOTICE_CHARS)] = ""


class Word(msgspec.Struct, frozen=True):
    """What the log has a commitment to; `at` and `until` (the order's end) are epoch seconds. `key` is what a notice is
    sealed for; `noted` the digest of the list whose persons find it in their lists of uses, empty for none."""

    question: str
    order: str
    agency: str
    officer: str
    at: int
    until: int
    key: str = ""
    noted: str = ""


class Vouched(msgspec.Struct, frozen=True):
    """`receipt` is a file for the command, empty until the log is signed: ask again in a moment. `use_by` is its end.
    `unknown`: how many of the notice's numbers are nobody's here yet, rounded, null under ten."""

    question: str
    order: str
    agency: str
    use_by: str
    receipt: str
    unknown: int | None = None


class Said(msgspec.Struct, frozen=True):
    """A word as it is kept."""

    at: float
    salt: bytes
    record: bytes
    noted: str


@SERVICE.operation(
    "vouch", title={"zh-Hant": "同意離線比對寫出名單", "en": "Let an offline trace's numbers be written"},
    summary={"zh-Hant": "兩個機關的人員各自同意後，離線比對才能寫出號碼；先記入帳本與當事人的使用紀錄，取得收據。",
             "en": "Once officers of two agencies each say so, on the log and in the persons' own lists first, an "
                   "offline trace may write numbers."},
    data=OPEN, audience="officer", effect="write", purpose=PURPOSE, rate="query", channels=("api",), time_s=120.0,
)  # fmt: skip
async def vouch(ctx: Context, request: Vouching) -> Vouched:
    """Again within its day answers the same. Raises Denied without an order, Limit at the agency's bound of a day,
    Invalid for a notice that is none, Conflict for one before another agency's word."""
    order, basis = await under_order(ctx)
    listed = _listed(ctx, order.reference, request)
    unknown = None
    if listed is not None:
        await _check_second(ctx, order.reference, request.question)
        unknown = rounded(await note(ctx, basis, order.reference, request.question, listed))
    noted = listed.digest if listed is not None else ""
    said = await ctx.db.sql.write(lambda tx: _say(tx, ctx, order, request, noted))
    receipt = await _logged(ctx, order.reference, request.question, said)
    use_by = iso(EpochS(min(said.at + TRACE_VOUCH_S, order.until)))
    return Vouched(request.question, order.reference, ctx.caller.agency, use_by, receipt, unknown)


def _say(tx: Tx, ctx: Context, order: OrderTerms, request: Vouching, noted: str) -> Said:
    """The word that stands, or a new one."""
    agency, shelf, at = ctx.caller.agency, shelf_of(ctx.db), float(ctx.now)
    row = tx.row(SQL["newest"], order_id=order.reference, question=request.question, agency=agency)
    if row is not None:
        known = msgspec.convert(dict(zip(Said.__struct_fields__, row, strict=True)), Said, strict=False)
        if at - known.at < TRACE_VOUCH_S and noted in ("", known.noted):
            return known
        at = max(at, known.at + 0.001)  # a word of its own, also within one reading of the clock
    day = int(ctx.now // DAY_S)
    spent = tx.row(SQL["said_on"], agency=agency, day=day)
    if spent is not None and int(str(spent[0])) >= TRACE_COUNTS_A_DAY:
        raise Limit(both("budget", most=TRACE_COUNTS_A_DAY), remedy=both("budget_remedy"))
    officer = shelf.subject_of(f"officer:{ctx.caller.id}").hex()
    key = public_of(secret_of(shelf, order.reference)).hex()
    word = Word(request.question, order.reference, agency, officer, int(at), int(order.until), key, noted)
    said = Said(at, shelf.random(SALT_BYTES), msgspec.json.encode(word), noted)
    tx.run(SQL["put"], order_id=order.reference, question=request.question, agency=agency, at=at, day=day,
           officer=ctx.caller.id, reason=request.reason, salt=said.salt, record=said.record, noted=noted)  # fmt: skip
    return said


def _listed(ctx: Context, order: str, request: Vouching) -> Listed | None:
    """The notice's numbers; None without one."""
    if not request.notice:
        return None
    try:
        box = b64decode(request.notice, validate=True)
        listed = unsealed(secret_of(shelf_of(ctx.db), order), box, request.question)
    except ValueError:
        raise Invalid.at("notice", both("fix_notice")) from None
    if rounded(len(listed.contacts)) is None:
        raise Conflict(both("too_few"), remedy=both("too_few_remedy"), kind="too-few")
    return listed


async def _check_second(ctx: Context, order: str, question: str) -> None:
    """One officer alone writes nothing into people's lists of uses."""
    who, since = ctx.caller, ctx.now - TRACE_VOUCH_S
    row = await ctx.db.sql.read(
        lambda tx: tx.row(
            SQL["other"], order_id=order, question=question, agency=who.agency, officer=who.id, since=since
        )
    )
    if row is None:
        raise Conflict(both("first_word"), remedy=both("first_word_remedy"), kind="first-word")


async def _logged(ctx: Context, order: str, question: str, said: Said) -> str:
    """The receipt, empty until a checkpoint covers it."""
    at, salt, record = said.at, said.salt, said.record
    agency, shelf = ctx.caller.agency, shelf_of(ctx.db)
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
