"""What a gateway answers the others of its members, and its own doctor, on the peers' listener."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.errors import Denied, Invalid, NotFound, Problem
from banyan.kernel.exchange.road.model import Request, Response
from banyan.kernel.exchange.road.pages import Pages, Placed
from banyan.kernel.exchange.siblings.meeting import Siblings
from banyan.kernel.exchange.siblings.model import BEHIND_PATH, PATH, Answer, Heard, Question
from banyan.limits_road import SIBLINGS_PAGE_BYTES
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded, parse_client

_DECODER: Final = msgspec.json.Decoder(Question)
_JSON: Final = ((b"content-type", b"application/json"),)


def add_pages(on: Pages, siblings: Siblings) -> None:
    """Both pages are for gateways that the directory knows by the certificate they show."""

    async def meet(request: Request) -> Response:
        told = await answered(siblings, request.server, request.body.whole(SIBLINGS_PAGE_BYTES))
        return Response(200, _JSON, msgspec.json.encode(told))

    async def behind(request: Request) -> Response:
        if request.server != siblings.own:
            raise Denied("Only this gateway itself is told.", remedy="Run the doctor on its machine.")
        return Response(200, _JSON, msgspec.json.encode(await siblings.behind()))

    on.add("peer", PATH.encode("ascii"), Placed(meet, most=SIBLINGS_PAGE_BYTES))
    on.add("peer", BEHIND_PATH.encode("ascii"), Placed(behind))


async def answered(siblings: Siblings, server: ServerId | None, body: bytes) -> Answer:
    """What `server` is told, after what it told is kept. Raises Denied: it is no gateway of the member; NotFound: no
    key of that member is here; Invalid."""
    try:
        question = _DECODER.decode(body)
        member = parse_client(question.member)
    except (msgspec.MsgspecError, UnicodeDecodeError, Problem) as error:
        raise Invalid.at("body", f"It cannot be read: {error}.") from error
    if server is None or not siblings.standing.serves(server, member):
        raise Denied(
            "Only gateways of the same member are told, and tell, what its officers did.",
            remedy="See in the directory which gateways serve the member.",
        )
    if member not in siblings.signing():
        raise NotFound(f"{encoded(member)} is not hosted here.", remedy="Its folder is named in [road] hosted.")
    refused = await siblings.take(member, question.acts)
    return await _told(siblings, server, member, question, refused)


async def _told(
    siblings: Siblings, server: ServerId, member: ClientId, question: Question, refused: set[str]
) -> Answer:
    is_same_epoch = question.epoch == siblings.epoch
    start = question.start if is_same_epoch else 0
    page = await siblings.page(member, start)
    level = await siblings.acts.level(encoded(member))
    sibling = await siblings.sibling(server, member)
    sibling.offers = question.offers
    has_all_to = level.last if question.digest == level.digest else min(start, question.has)
    if has_all_to > sibling.heard.place:  # it asked, so it need not be told, even where this one cannot reach it
        await siblings.hear(sibling, Heard(sibling.heard.epoch, has_all_to))
    return Answer(
        siblings.epoch,
        level.digest,
        level.last,
        tuple(sorted(refused)),
        tuple(sealed for _, sealed in page),
        tuple(place for place, _ in page),
        dict(siblings.offered(member)),
    )
