"""The hub: who subscribed to a feed is told when it changes (W3C WebSub, Recommendation of 23 January 2018).

A subscription counts when its callback has repeated our challenge (s5.3). What is delivered is the feed as it is then:
a reader who was slow gets the newest once, never a queue. Signed by `X-Hub-Signature: sha256=…` under the reader's
secret (s7). A reader that says 410, or fails HUB_TRIES times, is dropped; a lease ends by itself.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from banyan.errors import Invalid, Limit
from banyan.kernel.catalogue.operation import Context, FaceAnswer, FaceRequest
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.events.outbox import wait_s
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_alerts import (
    HUB_AT_ONCE,
    HUB_CALLBACK_CHARACTERS,
    HUB_LEASE_S,
    HUB_OF_ONE_HOST,
    HUB_SECRET_BYTES,
    HUB_SUBSCRIPTIONS,
    HUB_TRIES,
)
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import Shelf, shelf_of

SQL: Final = load_statements("banyan.service.alerts", "hub.sql")
PATH: Final = "/alerts/hub"
TURN: Final = "hub"
BODY: Final = 4_096


class Subscription(msgspec.Struct, frozen=True):
    id: str
    topic: str
    callback: str
    host: str
    secret: bytes
    lease_s: int
    until: float
    state: str
    challenge: str
    due: float | None
    tries: int


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of s5.1, read and bounded."""

    mode: str
    topic: str
    callback: str
    secret: bytes
    lease_s: int


class Noted(msgspec.Struct, frozen=True):
    topic: str
    lease_s: int


def owe(tx: Tx, now: EpochS) -> None:
    """In the commit that changes the feeds: every reader is to be told."""
    if tx.run(SQL["owe"], now=now):
        timers.set(tx, TURN, "", now)


@SERVICE.operation(
    "subscribe", title={"zh-Hant": "訂閱告警", "en": "Subscribe to alerts"},
    summary={"zh-Hant": "以 WebSub 訂閱告警資料流；回呼網址須通過驗證。",
             "en": "Subscribe to a feed by WebSub; the callback is verified first."},
    data=("open",), audience="public", effect="write", purpose="public-intake", channels=(),
)  # fmt: skip
async def subscribe(ctx: Context, request: Asked) -> Noted:
    """Noted to be verified: nothing is sent there before its callback has repeated the challenge. Raises Limit."""
    shelf = shelf_of(ctx.db)
    id, challenge = shelf.random(12).hex(), shelf.random(16).hex()
    host = urlsplit(request.callback).hostname or ""

    def job(tx: Tx) -> Noted:
        tx.run(SQL["drop_lapsed"], now=ctx.now)
        row = tx.row(SQL["count"], host=host) or (0, 0)
        if int(row[0] or 0) >= HUB_SUBSCRIPTIONS or int(row[1] or 0) >= HUB_OF_ONE_HOST:
            raise Limit("this hub has as many subscriptions as it takes", remedy="poll the feed: it has an ETag",
                        kind="hub-full")  # fmt: skip
        state = "leaving" if request.mode == "unsubscribe" else "asked"
        tx.run(SQL["put_subscription"], id=id, topic=request.topic, callback=request.callback, host=host, state=state,
               secret=request.secret, lease_s=request.lease_s, challenge=challenge, due=ctx.now)  # fmt: skip
        timers.set(tx, TURN, "", ctx.now)
        return Noted(request.topic, request.lease_s)

    return await ctx.db.sql.write(job)


@SERVICE.face("POST", path=PATH, rate="write")
async def hub(request: FaceRequest) -> FaceAnswer:
    """202: it will be verified. 4xx with the reason otherwise (s5.2)."""
    given = dict(parse_qsl((await request.body(BODY)).decode("utf-8", "replace"), max_num_fields=20))
    try:
        asked = read(given, request.base_url)
        await request.call("alerts.subscribe", asked)
    except (Invalid, Limit) as problem:
        return FaceAnswer(f"{problem.title}\n".encode(), "text/plain; charset=utf-8", problem.status)
    return FaceAnswer(b"", "text/plain; charset=utf-8", 202)


def read(given: Mapping[str, str], base_url: str) -> Asked:
    """The form's fields. Raises Invalid naming the field."""
    from banyan.service.alerts.feeds import TOPICS

    mode, callback, secret = given.get("hub.mode", ""), given.get("hub.callback", ""), given.get("hub.secret", "")
    topic = given.get("hub.topic", "").removeprefix(base_url)
    if mode not in ("subscribe", "unsubscribe"):
        raise Invalid.at("hub.mode", "subscribe or unsubscribe", status=400)
    if topic not in TOPICS:
        raise Invalid.at("hub.topic", "one of " + ", ".join(base_url + one for one in TOPICS), status=400)
    try:
        parts = urlsplit(callback)
        is_fit = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        is_fit = False
    if not is_fit or len(callback) > HUB_CALLBACK_CHARACTERS or parts.fragment:
        raise Invalid.at("hub.callback", "an http or https address without a user or fragment", status=400)
    if len(secret.encode()) > HUB_SECRET_BYTES:
        raise Invalid.at("hub.secret", "less than 200 bytes", status=400)
    lease = given.get("hub.lease_seconds", "")
    if lease and not (lease.isascii() and lease.isdigit() and len(lease) < 12):
        raise Invalid.at("hub.lease_seconds", "a number of seconds", status=400)
    least, most = HUB_LEASE_S
    return Asked(mode, topic, callback, secret.encode(), min(most, max(least, int(lease or most))))


@SERVICE.timer(TURN)
async def tell(ctx: Context, event: Event) -> None:
    """Verify and deliver what is due, HUB_AT_ONCE side by side; then come again for what is not."""
    store = ctx.db.sql
    rows = await store.read(lambda tx: tx.rows(SQL["due"], now=ctx.now, limit=HUB_AT_ONCE))
    await asyncio.gather(*(_one(ctx, shelf_of(ctx.db), _subscription(row)) for row in rows))

    def again(tx: Tx) -> None:
        row = tx.row(SQL["next_due"])
        if row is not None and row[0] is not None:
            timers.set(tx, TURN, "", EpochS(float(row[0])))

    await store.write(again)


async def _one(ctx: Context, shelf: Shelf, one: Subscription) -> None:
    if shelf.ask is None:
        return
    if one.state == "active":
        await _deliver(ctx, shelf, one)
        return
    mode = "unsubscribe" if one.state == "leaving" else "subscribe"
    asked = {"hub.mode": mode, "hub.topic": shelf.public_url + one.topic, "hub.challenge": one.challenge}
    asked |= {"hub.lease_seconds": str(one.lease_s)} if mode == "subscribe" else {}
    joint = "&" if urlsplit(one.callback).query else "?"
    status, body = await shelf.ask("GET", one.callback + joint + urlencode(asked), b"", ())
    is_proven = 200 <= status < 300 and hmac.compare_digest(body.strip(), one.challenge.encode())
    if is_proven:
        until = EpochS(ctx.now + one.lease_s)
        await ctx.db.sql.write(partial(_prove, one=one, until=until))
    elif status:  # somebody there said no (s5.3)
        await ctx.db.sql.write(lambda tx: tx.run(SQL["drop"], id=one.id))
    else:
        await _later(ctx, shelf, one)


def _prove(tx: Tx, *, one: Subscription, until: EpochS) -> None:
    """It takes the place of what was active, or ends it."""
    tx.run(SQL["drop_active"], topic=one.topic, callback=one.callback)
    if one.state == "leaving":
        tx.run(SQL["drop"], id=one.id)
    else:
        tx.run(SQL["prove"], id=one.id, until=until, challenge=one.challenge)


async def _deliver(ctx: Context, shelf: Shelf, one: Subscription) -> None:
    from banyan.service.alerts.feeds import TOPICS, write_topic

    if one.until <= ctx.now:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["drop"], id=one.id))
        return
    body = await write_topic(ctx, one.topic, shelf.public_url)
    headers = [
        ("Content-Type", TOPICS[one.topic]),
        ("Link", f'<{shelf.public_url}{PATH}>; rel="hub", <{shelf.public_url}{one.topic}>; rel="self"'),
    ]
    if one.secret:
        headers.append(("X-Hub-Signature", "sha256=" + hmac.new(one.secret, body, "sha256").hexdigest()))
    assert shelf.ask is not None, "looked at before"
    status, _ = await shelf.ask("POST", one.callback, body, tuple(headers))
    if 200 <= status < 300:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["told"], id=one.id, due=one.due))
    elif status == 410:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["drop"], id=one.id))
    else:
        await _later(ctx, shelf, one)


async def _later(ctx: Context, shelf: Shelf, one: Subscription) -> None:
    """Again with growing waits; at last no more."""
    if one.tries + 1 >= HUB_TRIES:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["drop"], id=one.id))
        return
    again = EpochS(ctx.now + wait_s(one.tries + 1, shelf.random(1)[0] / 255))
    await ctx.db.sql.write(partial(_put_off, one=one, again=again))


def _put_off(tx: Tx, *, one: Subscription, again: EpochS) -> None:
    tx.run(SQL["later"], id=one.id, due=one.due, again=again)


def _subscription(row: Row) -> Subscription:
    return msgspec.convert(dict(zip(Subscription.__struct_fields__, row, strict=True)), Subscription)
