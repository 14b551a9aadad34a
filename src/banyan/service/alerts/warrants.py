"""Who may warn of what and where: data that anybody can read, and only the system or the administrator writes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.alerts import keeping, places
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.places import Warrant
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import both

Member = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9-]+){1,3}$", max_length=80)]


class Warranting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`event` is one of the kinds or `*`; `area` TW, a county's code or a town's; `second` the agency that releases
    what is grave (another one); `sender` what CAP calls the agency."""

    agency: Member
    event: Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z-]{1,30})$")]
    area: Annotated[str, msgspec.Meta(pattern=r"^(TW|\d{5}|\d{8})$")]
    second: Member
    sender: Annotated[str, msgspec.Meta(pattern=r"^[^\s,<&]{3,100}$")]
    is_ended: bool = False


@SERVICE.operation(
    "warrants", title={"zh-Hant": "誰可以發布告警", "en": "Who may warn"},
    summary={"zh-Hant": "各機關可以發布的告警種類、範圍與核放機關。",
             "en": "What each agency may warn of and where, and who releases it."},
    data=OPEN, audience="public",
)  # fmt: skip
async def warrants(ctx: Context, request: Everything) -> tuple[Warrant, ...]:
    return await ctx.db.sql.read(keeping.warrants)


@SERVICE.operation(
    "warrant", title={"zh-Hant": "登記發布權限", "en": "Register a warrant"},
    summary={"zh-Hant": "登記或終止一個機關的發布權限。", "en": "Let an agency warn of an event in an area."},
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def warrant(ctx: Context, request: Warranting) -> Warrant:
    """Raises Invalid for an agency that would release its own, an event or an area that is none."""
    if not ctx.caller.may_write:
        raise Denied(both("denied.administrator"), remedy=both("denied.administrator_remedy"))
    if request.second == request.agency:
        raise Invalid.at("second", both("second_other"))
    if request.event != "*" and request.event not in kinds():
        raise Invalid.at("event", both("no_event", known=", ".join(kinds())))
    if request.area != places.NATION and places.by_code(request.area) is None:
        raise Invalid.at("area", both("no_area"))
    made = Warrant(request.agency, request.event, request.area, request.second, request.sender)
    write = keeping.drop_warrant if request.is_ended else keeping.put_warrant
    await ctx.db.sql.write(lambda tx: write(tx, made))
    return made
