"""What officers do with an alert: write, propose, hand back, release, cancel, withdraw. Each step once per key.

Every step is in the public ledger before it counts: a crash in between leaves an entry of a step that did not come
about, never an alert that is out without its entry. The entry holds agencies and digests, no officer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import Caller
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage.store import Tx
from banyan.limits_alerts import ALERT_KEY_CHARACTERS
from banyan.service.alerts import cellular, dispatch, keeping, life, places
from banyan.service.alerts.keeping import Act
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.life import Refusal, state_of
from banyan.service.alerts.model import Alert, Content, Language, Who, Words, digest_of
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import both, shelf_of

AUTHOR: Final = "alert-author"
RELEASER: Final = "alert-releaser"
EXPIRE: Final = "expire"
Key = Annotated[
    str, msgspec.Meta(pattern=rf"^[A-Za-z0-9._-]{{8,{ALERT_KEY_CHARACTERS}}}$", title="冪等鍵 Idempotency key")
]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,80}$", title="告警代號 Alert id")]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Drafting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new alert."""

    key: Key
    content: Content


class Editing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The draft anew, or the next message of one that is out."""

    key: Key
    id: Id
    content: Content


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Key
    id: Id


class Releasing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`digest` is that of the proposal which the officer has before them."""

    key: Key
    id: Id
    digest: Digest


class Cancelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is over, in the languages it was said in."""

    key: Key
    id: Id
    words: dict[Language, Words]


Keyed = Drafting | Editing | Step | Releasing | Cancelling


class Stands(msgspec.Struct, frozen=True):
    """An alert after a step. `digest` is what a releaser names; `needs_second` whether that is the other agency's;
    `entry` the step's place in the public ledger."""

    id: str
    state: str
    version: int
    pending: str
    digest: str
    needs_second: bool
    entry: int


@SERVICE.operation(
    "draft", title={"zh-Hant": "擬告警", "en": "Draft an alert"},
    summary={"zh-Hant": "擬一則告警；核放前沒有人會收到。", "en": "Write an alert; nobody is told yet."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def draft(ctx: Context, request: Drafting) -> Stands:
    """Raises Denied for who may not warn of this there, Invalid for an area that is none."""
    who = officer(ctx.caller, AUTHOR)
    content = _checked(request.content)
    second = await _warranted(ctx, who.agency, content)
    id = id_of(who.agency, request.key)

    def decide(_: Alert | None) -> Alert | Refusal:
        return life.draft(id, content, author=who, second=second, now=ctx.now)

    return await _act(ctx, who, request, step="draft", id=id, decide=decide, is_new=True)


@SERVICE.operation(
    "edit", title={"zh-Hant": "修改或更新告警", "en": "Edit or update an alert"},
    summary={"zh-Hant": "修改草稿，或為生效中的告警擬更新。", "en": "Write the draft anew, or an update."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def edit(ctx: Context, request: Editing) -> Stands:
    who = officer(ctx.caller, AUTHOR)
    content = _checked(request.content)
    await _warranted(ctx, who.agency, content)
    decide = partial(life.edit, content=content, author=who, now=ctx.now)
    return await _act(ctx, who, request, step="edit", id=request.id, decide=decide)


@SERVICE.operation(
    "propose", title={"zh-Hant": "送核", "en": "Propose"},
    summary={"zh-Hant": "草稿送交核放；內容從此固定。", "en": "Hand the draft to its releaser, fixed."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def propose(ctx: Context, request: Step) -> Stands:
    who = officer(ctx.caller, AUTHOR)
    decide = partial(life.propose, author=who, now=ctx.now)
    return await _act(ctx, who, request, step="propose", id=request.id, decide=decide)


@SERVICE.operation(
    "hand_back", title={"zh-Hant": "退回修改", "en": "Hand back"},
    summary={"zh-Hant": "核放者退回草稿請擬稿者修改。", "en": "The releaser asks for changes."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def hand_back(ctx: Context, request: Step) -> Stands:
    who = officer(ctx.caller, AUTHOR, RELEASER)
    return await _act(ctx, who, request, step="hand_back", id=request.id, decide=partial(life.hand_back, officer=who))


@SERVICE.operation(
    "release", title={"zh-Hant": "核放", "en": "Release"},
    summary={
        "zh-Hant": "核放送核的內容，送往所有管道；重大告警必須由第二機關的人員核放。",
        "en": "Send what was proposed on every channel; a grave alert is released by an officer of the second agency.",
    },
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def release(ctx: Context, request: Releasing) -> Stands:
    """Durable, with every effect it will have, when this answers; the channels are told right after."""
    who = officer(ctx.caller, RELEASER)
    known = await _alert(ctx, request.id)
    if known.pending is not None:  # the warrants may have changed since it was written
        await _warranted(ctx, known.agency, known.pending.content)
    decide = partial(life.release, digest=request.digest, officer=who, now=ctx.now)
    return await _act(ctx, who, request, step="release", id=request.id, decide=decide)


@SERVICE.operation(
    "cancel", title={"zh-Hant": "解除告警", "en": "Cancel an alert"},
    summary={
        "zh-Hant": "立刻解除；一位承辦或核放人員即可，會通知曾收到的每個管道。",
        "en": "Take it back at once, by one officer of either agency, on every channel that had it.",
    },
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def cancel(ctx: Context, request: Cancelling) -> Stands:
    who = officer(ctx.caller, AUTHOR, RELEASER)

    def decide(alert: Alert) -> Alert | Refusal:
        newest = alert.newest
        if newest is None:
            return Refusal("not_out")
        if set(request.words) != set(newest.content.words):
            raise Invalid.at("words", both("same_languages"))
        content = msgspec.structs.replace(newest.content, words=request.words)
        return life.cancel(alert, content, officer=who, now=ctx.now)

    return await _act(ctx, who, request, step="cancel", id=request.id, decide=decide)


@SERVICE.operation(
    "withdraw", title={"zh-Hant": "撤回草稿", "en": "Withdraw what is pending"},
    summary={"zh-Hant": "丟棄尚未核放的草稿或更新。", "en": "Throw away what was not released."},
    data=OPEN, audience="officer", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def withdraw(ctx: Context, request: Step) -> Stands:
    who = officer(ctx.caller, AUTHOR)
    return await _act(ctx, who, request, step="withdraw", id=request.id, decide=partial(life.withdraw, author=who))


def officer(caller: Caller, *roles: str) -> Who:
    """Who acts. Raises Denied for who is no officer with one of the roles."""
    if caller.kind != "officer" or not caller.agency:
        raise Denied(both("denied.officer"), remedy=both("denied.officer_remedy"), kind="no-officer")
    if not set(roles) & set(caller.roles):
        raise Denied(both("denied.role"), remedy=both("denied.role_remedy", role=" / ".join(roles)), kind="no-role")
    return Who(caller.id, caller.agency)


def id_of(agency: str, key: str) -> str:
    """The id that a new alert has: the same key of the same agency is the same alert, also after a crash."""
    named = sha256(f"{agency}\n{key}".encode()).hexdigest()[:16]
    return f"{agency.lower().replace('/', '-')}-{named}"


async def _alert(ctx: Context, id: str) -> Alert:
    found = await ctx.db.sql.read(lambda tx: keeping.alert_of(tx, id))
    if found is None:
        raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
    return found


async def _act(
    ctx: Context, who: Who, request: Keyed, *, step: str, id: str, decide: Callable[..., Alert | Refusal],
    is_new: bool = False,
) -> Stands:  # fmt: skip
    """One step. The same key and request again answers what is there; another request under the key is a Conflict."""
    shelf, store, key = shelf_of(ctx.db), ctx.db.sql, request.key
    digest = sha256(step.encode() + msgspec.json.encode(request, order="sorted") + who.agency.encode()).hexdigest()
    async with shelf.turn:
        before, known = await store.read(lambda tx: (keeping.alert_of(tx, id), keeping.act_of(tx, key)))
        if known is not None:
            if (known.alert, known.step, known.digest) != (id, step, digest) or before is None:
                raise Conflict(both("key_taken"), remedy=both("key_taken_remedy"), kind="key-taken")
            return stands(before, ctx.now, known.entry)
        if before is None and not is_new:
            raise NotFound(both("unknown"), remedy=both("unknown_remedy"))
        after = decide(before)
        if isinstance(after, Refusal):
            raise Conflict(both(f"refused.{after.code}"), remedy=both(f"fix.{after.code}"), kind=after.code)
        entry = await shelf.ledger.append_once(f"alert/{id}/{step}/{digest}", _entry(after, step, who))

        def job(tx: Tx) -> None:
            if keeping.alert_of(tx, id) != before:
                raise Conflict(both("refused.changed"), remedy=both("fix.changed"), kind="changed")
            keeping.put_alert(tx, after)
            keeping.put_act(tx, key, Act(id, step, digest, entry), at=ctx.now, agency=who.agency, officer=who.id)
            if before is None or len(after.chain) > len(before.chain):
                went_out(tx, after, ctx.now)

        await store.write(job)
    return stands(after, ctx.now, entry)


def went_out(tx: Tx, after: Alert, now: EpochS) -> None:
    """In the commit that lets a message out: its effects, its end, and the word of it to who follows."""
    newest = after.newest
    if newest is not None:
        dispatch.put(tx, after, now)
        timers.set(tx, EXPIRE, after.id, EpochS(now if newest.kind == "Cancel" else newest.content.expires))


def _entry(alert: Alert, step: str, who: Who) -> bytes:
    """Nothing of whom: which alert, which step, by which agency, and a digest of what is said."""
    version = alert.pending or alert.newest
    number, said = (version.number, version.digest or digest_of(version)) if version is not None else (0, "")
    return act_entry("alert", step=step, id=alert.id, version=number, digest=said, agency=who.agency)


def stands(alert: Alert, now: EpochS, entry: int) -> Stands:
    pending = alert.pending
    return Stands(
        id=alert.id,
        state=state_of(alert, now),
        version=len(alert.chain),
        pending=pending.stage if pending else "",
        digest=pending.digest if pending else "",
        needs_second=life.needs_second(alert) if pending else False,
        entry=entry,
    )


def _checked(content: Content) -> Content:
    """Polygons closed, areas sound, the event known. Raises Invalid naming the field."""
    if content.event not in kinds():
        raise Invalid.at("content.event", both("no_event", known=", ".join(kinds())))
    if "zh-Hant" not in content.words:
        raise Invalid.at("content.words", both("no_words"))
    if (content.level == "monthly") and content.status == "Actual":
        raise Invalid.at("content.level", both("monthly_is_test"))
    if content.level == "emergency" and not cellular.is_emergency(content):
        raise Invalid.at("content.level", both("no_emergency"))
    areas = []
    for at, area in enumerate(content.areas):
        if set(area.name) != {"zh-Hant", "en"}:
            raise Invalid.at(f"content.areas.{at}.name", both("area_names"))
        whole = msgspec.structs.replace(area, polygon=places.closed(area.polygon)) if area.polygon else area
        if not places.is_sound(whole):
            raise Invalid.at(f"content.areas.{at}", both("no_area"))
        areas.append(whole)
    return msgspec.structs.replace(content, areas=tuple(areas))


async def _warranted(ctx: Context, agency: str, content: Content) -> str:
    """The agency that releases what is grave. Raises Denied without a warrant for this event and every area."""
    found = await ctx.db.sql.read(lambda tx: keeping.warrants_of(tx, agency, content.event))
    if not found:
        title = kinds()[content.event].title
        why = both("denied.event", event="／".join(title.values()))
        raise Denied(why, remedy=both("denied.event_remedy"), kind="no-warrant")
    covered = [one.area for one in found]
    for area in content.areas:
        if not places.lies_in(area, covered):
            why = both("denied.area", area=area.name["zh-Hant"])
            raise Denied(why, remedy=both("denied.area_remedy"), kind="no-warrant")
    for one in found:
        if all(places.lies_in(area, (one.area,)) for area in content.areas):
            return one.second
    return found[0].second


__all__ = ["AUTHOR", "EXPIRE", "RELEASER", "Stands", "iso", "officer", "stands"]
