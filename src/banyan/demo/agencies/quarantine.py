"""Home quarantine (居家檢疫): a power under an order only. What is collected is sealed under the order's own keys, in
the records and in the journal alike, so that at its lapse nobody can read it any more. Source: 傳染病防治法 s48.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import Number, PersonQuery, Why, called
from banyan.demo.agencies.sealed import SQL, find, keep, keeping_of, subject_of
from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events import Event, feed
from banyan.kernel.policy.order_shelf import terms_now
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.store import Tx
from banyan.service.powers.lapsing import scope_of

BASIS: Final = "CDC-48-quarantine"
JOURNAL: Final = "stays"
NOTED: Final = "stay"
"""The feed's topic of an entry that was noted; the subject is its number, which names nobody."""
TAIWAN: Final = timezone(timedelta(hours=8))
QUARANTINE: Final = Service(
    "quarantine", title={"zh-Hant": "居家檢疫（示範）", "en": "Home quarantine (demo)"}, package="banyan.demo.agencies"
)


class Stay(msgspec.Struct, frozen=True):
    """Where somebody stays, how to reach them, and how they are."""

    until: Annotated[str, personal("C034")] | UnsetType = UNSET
    place: Annotated[str, personal("C031")] | UnsetType = UNSET
    telephone: Annotated[str, personal("C001")] | UnsetType = UNSET
    symptoms: Annotated[str, personal("C111")] | UnsetType = UNSET


class NewStay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stay to note, or to note anew. `until` is the last day, a date; one that is over ends the stay. `since` is the
    first day, empty: today. Without a telephone somebody must visit."""

    person: Number
    until: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$"), called("until")]
    place: Annotated[str, msgspec.Meta(min_length=1, max_length=200), called("place")]
    telephone: Annotated[str, msgspec.Meta(pattern=r"^([0-9+() -]{6,20})?$"), called("telephone")] = ""
    reason: Why
    symptoms: Annotated[str, msgspec.Meta(max_length=200), called("symptoms")] = ""
    name: Annotated[str, msgspec.Meta(max_length=100), called("name")] = ""
    since: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$"), called("since")] = ""


class Entry(msgspec.Struct, frozen=True):
    """What is sealed of a stay: more than is shown of it. `agency` is of the officer who noted it."""

    until: str
    place: str
    telephone: str
    symptoms: str
    number: str = ""
    name: str = ""
    since: str = ""
    agency: str = ""


@QUARANTINE.operation(
    "note",
    title={"zh-Hant": "登記居家檢疫", "en": "Note a home quarantine"},
    summary={"zh-Hant": "依命令登記檢疫地點與聯絡方式。", "en": "Under an order, note where somebody stays."},
    data=("health",),
    audience="officer",
    effect="write",
    purpose="012",
    subject="person",
    channels=("web", "api"),
)
async def note(ctx: Context, request: NewStay) -> Stay:
    """What was noted; who follows this register's feed hears of the entry in the same commit, by its number. Raises
    Invalid for a day that is none, Conflict when the order ended meanwhile."""
    for field, day in (("until", request.until), ("since", request.since)):
        _check_day(field, day)
    scope, subject = await _scope(ctx), subject_of(ctx, request.person)
    since = request.since or datetime.fromtimestamp(ctx.now, TAIWAN).date().isoformat()
    entry = Entry(request.until, request.place, request.telephone, request.symptoms, request.person, request.name,
                  since, ctx.caller.agency)  # fmt: skip

    def noted(tx: Tx) -> None:
        row = tx.row(SQL["number_entry"], scope=scope, subject=subject)
        assert row is not None, "an upsert returns"
        feed.append(tx, Event(NOTED, str(row[0]), msgspec.Raw(b"{}"), at=ctx.now))

    sealed = await keep(ctx.db, scope, subject, entry, also=noted)
    await ctx.db.journal(JOURNAL).append(sealed)
    return Stay(request.until, request.place, request.telephone, request.symptoms)


@QUARANTINE.operation(
    "stay",
    title={"zh-Hant": "居家檢疫現況", "en": "A home quarantine"},
    summary={
        "zh-Hant": "依命令查一個人的檢疫地點與症狀。",
        "en": "Under an order, where somebody stays and how they are.",
    },
    data=("health",),
    audience="officer",
    purpose="012",
    subject="person",
    channels=("web", "api"),
)
async def stay(ctx: Context, request: PersonQuery) -> Stay:
    """Raises NotFound for who is not in quarantine under this order."""
    return await find(ctx.db, await _scope(ctx), subject_of(ctx, request.person), Stay)


async def entry_by_number(db: Drawer, number: str) -> Entry | None:
    """An entry as it stands now, for composition; None once its order ended."""
    row = await db.sql.read(lambda tx: tx.row(SQL["entry"], id=int(number)))
    if row is None:
        return None
    scope, subject = str(row[0]), row[1]
    assert isinstance(subject, bytes), "a pseudonym is bytes"
    try:
        return await find(db, scope, subject, Entry)
    except NotFound:
        return None


def _check_day(field: str, day: str) -> None:
    try:
        if day:
            date.fromisoformat(day)
    except ValueError:
        raise Invalid.at(field, "a date, such as 2026-12-06") from None


async def _scope(ctx: Context) -> str:
    """The keys of the order that puts this power into force now."""
    terms = await terms_now(keeping_of(ctx.db).policy, ctx.now)
    order = next((one for one in terms if one.is_in_force and BASIS in one.bases), None)
    if order is None:
        raise Conflict("命令已經結束。 The order has ended.", remedy="see /api/transparency/orders", kind="order-over")
    return scope_of(order.reference)
