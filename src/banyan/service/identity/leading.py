"""Where a request leads back to: told to the page that a person is sent to meanwhile, so that its form may lead on."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue import Context
from banyan.kernel.identity.openid import authorizing
from banyan.service.identity.desk import desk_of
from banyan.service.identity.journey import titled
from banyan.service.identity.service import SERVICE


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request under its one-time name."""

    name: str


class Leads(msgspec.Struct, frozen=True):
    """The app's origin, where the person is sent back to; empty when the request has ended."""

    origin: str


@SERVICE.operation(
    "leads_to",
    **titled("請求返回的網站", "Where a request leads back to"),
    data=("open",),
    audience="public",
    channels=(),
)
async def leads_to(ctx: Context, request: Request) -> Leads:
    return Leads(await authorizing.origin_of(desk_of(ctx).provider, request.name))
