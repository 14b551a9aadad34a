"""What a client's programs ask of its own gateway, and two gateways of each other, about messages under way.

    GET    /r1-async/                    the client's messages, 100 at a time (?after=SEQ)
    GET    /r1-async/ID                  what became of one
    GET    /r1-async/ID/answer           the provider's answer as it came; 202 while there is none
    DELETE /r1-async/ID                  the client has its answer: it is deleted here

`X-Road-Client` says who asks, as in a call; nobody else's messages are seen. `ID` is the X-Road-Id, percent-encoded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from banyan.errors import Denied, Invalid, NotFound
from banyan.kernel.exchange.delivery import sent
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.envelope import APPLIED
from banyan.kernel.exchange.delivery.framing import answer_from
from banyan.kernel.exchange.delivery.keeping import closed
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.received import Key
from banyan.kernel.exchange.delivery.receiver import Receiver
from banyan.kernel.exchange.delivery.sender import ANSWERS, RECEIPT, Sender
from banyan.kernel.exchange.delivery.sent import Sent
from banyan.kernel.exchange.road.model import Answer, Request, Response
from banyan.kernel.storage.store import Tx
from banyan.limits_road import DELIVERY_PAGE
from banyan.wire.xroad.headers import CLIENT, last_of
from banyan.wire.xroad.identifiers import ClientId, encoded, parse_client

STATUS: Final = b"/r1-async/"
_JSON: Final = (b"content-type", b"application/json")
Caller = Callable[[Request], Awaitable[ClientId] | ClientId]
"""Who asks at the edge: `X-Road-Client`, admitted as for a call. Raises Fault."""


class Status(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`receipt` is this gateway's, `peerReceipt` the provider's gateway's, `answerReceipt` is over the answer."""

    id: str
    state: sent.State
    service: str
    accepted: int
    until: int
    receipt: str
    peer_receipt: str = ""
    answer_receipt: str = ""
    answer_status: int = 0
    answer: str = ""
    reason: str = ""
    seq: int = 0


def status_of(message: Sent) -> Status:
    return Status(
        message.message_id,
        message.state,
        message.service,
        int(message.accepted_at),
        int(message.until_at),
        message.receipt,
        message.peer_receipt,
        message.answer_receipt,
        message.answer_status,
        f"{_location(message)}/answer" if message.state == "answered" else "",
        message.reason,
        message.seq,
    )


def accepted(message: Sent) -> Answer:
    """What the client gets at once."""
    fields = (APPLIED, _JSON, (b"location", _location(message).encode("ascii")), (b"retry-after", b"1"))
    return Answer(
        202, b"Accepted", fields, Whole(msgspec.json.encode(status_of(msgspec.structs.replace(message, seq=0))))
    )


class ClientPages:
    """The page of `/r1-async/` at the edge."""

    def __init__(self, means: Means, sender: Sender, caller: Caller) -> None:
        self._means = means
        self._sender = sender
        self._caller = caller

    async def __call__(self, request: Request) -> Response:
        """Raises Invalid, Denied, NotFound, Fault."""
        caller = self._caller(request)
        client = encoded(caller if isinstance(caller, ClientId) else await caller)
        path, _, query = request.target.partition(b"?")
        name, _, rest = path.removeprefix(STATUS).partition(b"/")
        if not name:
            return await self._listed(client, query)
        message = await self._found(client, unquote(name.decode("ascii", "replace")))
        match request.verb, rest:
            case "GET", b"":
                return _json(status_of(message))
            case "GET", b"answer":
                return await self._answer(message)
            case "DELETE", b"":
                return await self._acknowledged(message)
        raise Invalid.at("method", "Send GET, or DELETE for a message.", status=405)

    async def _listed(self, client: str, query: bytes) -> Response:
        after = query.removeprefix(b"after=") or b"0"
        if not after.isdigit() or len(after) > 18:
            raise Invalid.at("after", "Send the seq of the last message you saw.")
        found = await self._means.store.read(lambda tx: sent.of_client(tx, client, int(after), DELIVERY_PAGE))
        return Response(200, (_JSON,), msgspec.json.encode([status_of(message) for message in found]))

    async def _found(self, client: str, message_id: str) -> Sent:
        message = await self._means.store.read(lambda tx: sent.find(tx, (client, message_id)))
        if message is None:
            raise NotFound(
                "No message of this client has this id.",
                remedy="Send the X-Road-Id that you sent, with the same X-Road-Client.",
                kind="delivery-unknown",
            )
        return message

    async def _answer(self, message: Sent) -> Response:
        means = self._means
        kept = await means.store.read(lambda tx: means.contents.get(tx, "sent", *message.key, "answer"))
        if kept is None or message.state != "answered":
            over = message.state in ("closed", "dead")
            said = Response(410 if over else 202, (_JSON,), msgspec.json.encode(status_of(message)))
            return said if over else msgspec.structs.replace(said, fields=(_JSON, (b"retry-after", b"1")))
        answer = answer_from(kept.head, kept.body)
        fields = (*answer.fields, (RECEIPT, message.answer_receipt.encode("ascii")))
        return Response(answer.status, fields if message.answer_receipt else answer.fields, answer.body, answer.reason)

    async def _acknowledged(self, message: Sent) -> Response:
        means, now = self._means, self._means.clock()
        if message.state in ("waiting", "accepted"):
            raise Invalid.at("id", "The message is under way: acknowledge it when its answer is here.", status=409)

        def job(tx: Tx) -> list[str]:
            return closed(tx, message, now)

        await means.contents.drop(means.store, await means.store.write(job))
        return Response(204)


class PeerPages:
    """The page of `/delivery/answers/` between gateways; signed by the member that asks."""

    def __init__(self, sender: Sender, receiver: Receiver) -> None:
        self._sender = sender
        self._receiver = receiver

    async def __call__(self, request: Request) -> Response:
        """Raises Invalid, Denied, NotFound."""
        if request.member is None:
            raise Denied("Only a member may ask.", remedy="Sign the request.", kind="delivery-unsigned")
        parts = request.target.removeprefix(ANSWERS).decode("ascii", "replace").split("/")
        if len(parts) != 2:
            raise Invalid.at("address", "Send /delivery/answers/CLIENT/ID.")
        client, message_id = map(unquote, parts)
        match request.verb:
            case "POST":
                receipt = (last_of(request.fields, RECEIPT) or b"").decode("latin-1")
                await self._sender.take_answer(request.member, (client, message_id), receipt, request.body)
                return Response(204)
            case "GET" | "DELETE":
                has_it = request.verb == "DELETE"
                return await self._receiver.asked(request.member, Key(client, message_id), has_it=has_it)
        raise Invalid.at("method", "Send POST, GET or DELETE.", status=405)


def client_of(request: Request) -> ClientId:
    """The client by its header alone. Raises Invalid, Fault."""
    said = last_of(request.fields, CLIENT)
    if said is None:
        raise Invalid.at("X-Road-Client", "Send X-Road-Client: instance/class/member[/subsystem].", status=400)
    return parse_client(said.decode("latin-1"))


def _location(message: Sent) -> str:
    return STATUS.decode() + quote(message.message_id, safe="")


def _json(status: Status) -> Response:
    return Response(200, (_JSON,), msgspec.json.encode(status))
