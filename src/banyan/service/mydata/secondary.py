"""One's own word on secondary use of data, for another purpose than it was collected for: stop it, let it go on.

Constitutional Court 111-憲判-13 and 全民健康保險資料管理條例: all or part of it, without a reason, in force at once.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import iso
from banyan.kernel.ledger.log import Recorded
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy import optouts, vocabulary
from banyan.kernel.policy.bases import EVERYONE, LegalBasis
from banyan.kernel.policy.optouts import Kind, Sort, Word
from banyan.limits_mydata import OPT_OUT_CELL_LEAST
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import MESSAGES, own_subject, said, shelf_of
from banyan.service.mydata.uses import LANGUAGES, Nothing, OwnReceipt, ReceiptQuery

PLACES: Final = ("web", "api", "counter", "kiosk")
"""Also where people without a phone are helped."""
Key = Annotated[str, msgspec.Meta(pattern=r"^(\*|[0-9]{3}|[a-z][a-z0-9_]*\.(\*|[a-z][a-z0-9_]*))$", title="種類 Kind")]


class SecondaryUse(msgspec.Struct, frozen=True):
    """One legal basis of a kind: what for, by which statute in words, by whom (`*`: anybody), which fields."""

    basis: str
    title: Text
    statute: Text
    recipients: tuple[str, ...]
    fields: tuple[str, ...]


class OwnKind(msgspec.Struct, frozen=True):
    """A kind of secondary use of one's own data. `is_out` by a word on this kind; `since` (RFC 3339 UTC) when that was
    said, empty without a word; `receipt` is where its proof is downloaded. `sort` is all, purpose or data."""

    kind: str
    sort: str
    title: Text
    uses: tuple[SecondaryUse, ...]
    is_out: bool
    since: str
    receipt: str


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind as `secondary_uses` lists it: `*`, a purpose's code, or data."""

    kind: Key


class OptedOut(msgspec.Struct, frozen=True):
    """How many people stopped a kind; null when fewer than `least`."""

    kind: str
    title: Text
    people: int | None


class OptOuts(msgspec.Struct, frozen=True):
    """Counts only. One who stopped all of it and one kind besides is in both."""

    least: int
    kinds: tuple[OptedOut, ...]


@SERVICE.operation(
    "secondary_uses",
    title={"zh-Hant": "我的資料的目的外利用", "en": "Secondary use of my data"},
    summary={
        "zh-Hant": "哪些資料會用在原本目的以外，以及您是否停止。",
        "en": "What may be used for another purpose, and whether you stopped it.",
    },
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
    channels=PLACES,
)
async def secondary_uses(ctx: Context, request: Nothing) -> tuple[OwnKind, ...]:
    """All first, then by purpose, then by data; at the end words on kinds that no basis allows any more."""
    subject, shelf = own_subject(ctx), shelf_of(ctx)
    known = optouts.kinds(await shelf.bases())
    words = {one.kind: one for one in await shelf.policy.read(lambda tx: optouts.words_of(tx, subject))}
    gone = [Kind(key, _sort(key), ()) for key in words if all(key != kind.key for kind in known)]
    published = (await shelf.ledger.head()).published
    return tuple(_own(kind, words.get(kind.key), published) for kind in (*known, *gone))


@SERVICE.operation(
    "stop_secondary",
    title={"zh-Hant": "停止目的外利用", "en": "Stop secondary use"},
    summary={"zh-Hant": "不必說明理由，立即生效。", "en": "No reason is asked, and it is in force at once."},
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
    channels=PLACES,
)
async def stop_secondary(ctx: Context, request: Said) -> OwnKind:
    """In force for the next use when this answers. Raises NotFound for a kind that no basis allows."""
    return await _say(ctx, request.kind, is_out=True)


@SERVICE.operation(
    "allow_secondary",
    title={"zh-Hant": "恢復目的外利用", "en": "Let secondary use go on"},
    summary={"zh-Hant": "撤回先前的停止。", "en": "Take back that you stopped it."},
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
    channels=PLACES,
)
async def allow_secondary(ctx: Context, request: Said) -> OwnKind:
    """Raises NotFound for a kind that no basis allows and that the person never stopped."""
    return await _say(ctx, request.kind, is_out=False)


@SERVICE.operation(
    "opt_out_receipt",
    title={"zh-Hant": "停止或恢復的收據", "en": "The receipt of my word on secondary use"},
    summary={"zh-Hant": "證明您何時說了什麼，可離線驗證。", "en": "Proves offline what you said and when."},
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
    channels=PLACES,
)
async def opt_out_receipt(ctx: Context, request: ReceiptQuery) -> OwnReceipt:
    """Raises NotFound alike for another's, none, and one not covered yet."""
    subject, shelf = own_subject(ctx), shelf_of(ctx)
    words = await shelf.policy.read(lambda tx: optouts.words_of(tx, subject))
    mine = next((one for one in words if one.index == request.index), None)
    kept = Recorded(mine.index, 0, mine.salt, mine.record) if mine is not None else None
    data = await receipt_of(shelf.ledger, kept.index, kept) if kept is not None else None
    if data is None:
        raise NotFound(said("no_receipt"), remedy=said("no_receipt_remedy"))
    return OwnReceipt(request.index, data.decode())


@SERVICE.operation(
    "opt_outs",
    title={"zh-Hant": "停止目的外利用的人數", "en": "How many stopped secondary use"},
    summary={
        "zh-Hant": "每一種目的外利用有多少人停止；太小的數字不公布。",
        "en": "How many people stopped each kind; numbers that are too small are withheld.",
    },
    data=OPEN,
    audience="public",
)
async def opt_outs(ctx: Context, request: Nothing) -> OptOuts:
    shelf = shelf_of(ctx)
    people = await shelf.policy.read(optouts.people_out)
    known = optouts.kinds(await shelf.bases())
    return OptOuts(OPT_OUT_CELL_LEAST, tuple(_counted(kind, people.get(kind.key, 0)) for kind in known))


async def _say(ctx: Context, key: str, *, is_out: bool) -> OwnKind:
    subject, shelf = own_subject(ctx), shelf_of(ctx)
    known = next((one for one in optouts.kinds(await shelf.bases()) if one.key == key), None)
    if known is None and is_out:
        raise NotFound(said("no_kind"), remedy=said("no_kind_remedy"))
    word = await shelf.policy.write(
        lambda tx: optouts.say(tx, subject, key, is_out=is_out, now=ctx.now, random=shelf.random)
    )
    if word is None and known is None:
        raise NotFound(said("no_kind"), remedy=said("no_kind_remedy"))
    return _own(known or Kind(key, _sort(key), ()), word, (await shelf.ledger.head()).published)


def _own(kind: Kind, word: Word | None, published: int) -> OwnKind:
    is_proven = word is not None and word.index < published
    return OwnKind(
        kind=kind.key,
        sort=kind.sort,
        title=_title(kind),
        uses=tuple(_use(basis) for basis in kind.bases),
        is_out=word is not None and word.is_out,
        since=iso(word.at) if word is not None else "",
        receipt=f"/mydata/secondary/{word.index}" if word is not None and is_proven else "",
    )


def _use(basis: LegalBasis) -> SecondaryUse:
    statute = {lang: basis.statute.said(lang) for lang in LANGUAGES}
    recipients = (EVERYONE,) if EVERYONE in basis.recipients else basis.recipients
    return SecondaryUse(basis.id, dict(basis.title), statute, recipients, basis.fields)


def _counted(kind: Kind, people: int) -> OptedOut:
    return OptedOut(kind.key, _title(kind), people if people >= OPT_OUT_CELL_LEAST or not people else None)


def _title(kind: Kind) -> dict[str, str]:
    """What a kind is called: the purpose in the Act's words, the data by what its bases call it."""
    if kind.sort == "purpose":
        return dict(vocabulary.PURPOSES.get(kind.key, dict.fromkeys(LANGUAGES, kind.key)))
    if kind.sort == "data":
        titles = {lang: "、".join(dict.fromkeys(one.title[lang] for one in kind.bases)) for lang in LANGUAGES}
        return {lang: f"{titles[lang]} ({kind.key})" if titles[lang] else kind.key for lang in LANGUAGES}
    return {lang: MESSAGES.text("mydata.secondary_all", lang) for lang in LANGUAGES}


def _sort(key: str) -> Sort:
    return "all" if key == optouts.ALL else "data" if "." in key else "purpose"
