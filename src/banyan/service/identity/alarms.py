"""What the provider refused, as the administrator reads it; and how the pages tell of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.kernel.catalogue import Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.openid.alarms import Alarm
from banyan.kernel.identity.openid.sent import Sent
from banyan.limits_identity import OPENID_LIST
from banyan.service.identity.desk import desk_of
from banyan.service.identity.service import SERVICE


class Telling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page's refusal: `kind` is our own word for it, `endpoint` the operation that refused."""

    sent: Sent
    kind: str
    endpoint: str
    client: str = ""


class Looking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kind` empty: of every kind."""

    kind: Annotated[str, msgspec.Meta(max_length=64)] = ""
    most: Annotated[int, msgspec.Meta(ge=1, le=OPENID_LIST)] = 100


class Seen(msgspec.Struct, frozen=True):
    """One refusal; `at` is RFC 3339 UTC, `trace` leads to the access record's line."""

    at: str
    kind: str
    endpoint: str
    client: str
    trace: str


class Seens(msgspec.Struct, frozen=True):
    """The newest first, and how many of each kind since the node began."""

    counts: dict[str, int]
    alarms: tuple[Seen, ...]


@SERVICE.operation(
    "tell",
    title={"zh-Hant": "記下被拒絕的嘗試", "en": "Note a refusal"},
    summary={"zh-Hant": "供登入頁面內部使用。", "en": "For the sign-in pages themselves."},
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def tell(ctx: Context, request: Telling) -> None:
    provider = desk_of(ctx).provider
    await provider.note(request.sent, request.kind, endpoint=request.endpoint, client=request.client)


@SERVICE.operation(
    "alarms",
    title={"zh-Hant": "被拒絕的嘗試", "en": "What was refused"},
    summary={
        "zh-Hant": "登入與權杖端點拒絕了什麼：種類、端點、應用程式、追蹤碼；不含個人資料。",
        "en": "What sign-in and token endpoints refused: kind, endpoint, app, trace; no personal data.",
    },
    data=("open",),
    audience="administrator",
    purpose="administration",
    channels=("api",),
)
async def alarms(ctx: Context, request: Looking) -> Seens:
    kept = desk_of(ctx).provider.alarms
    found = [one for one in kept.newest(OPENID_LIST) if request.kind in ("", one.kind)][: request.most]
    return Seens(dict(kept.counts), tuple(_seen(one) for one in found))


def _seen(alarm: Alarm) -> Seen:
    return Seen(iso(EpochS(alarm.at)), alarm.kind, alarm.endpoint, alarm.client, alarm.trace)
