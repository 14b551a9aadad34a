"""A provider's answer with the fields that a synchronous call's would have, `x-road-request-hash` among them.

Source: X-Road PR-REST s4.3; the same bytes as `wire.xroad.headers` writes for calls that are answered at once.
"""

from __future__ import annotations

from hashlib import sha512

import msgspec

from banyan.kernel.exchange.road.model import Answer, Body, Call
from banyan.wire.xroad import block
from banyan.wire.xroad.headers import ERROR, response_fields
from banyan.wire.xroad.headers import Call as Answered


async def dressed(answer: Answer, call: Call, body: Body, *, is_fault: bool = False) -> Answer:
    """`body` is the request's; `is_fault`: the road refuses, so its X-Road-Error stays.

    Raises Fault(ServiceFailed): what the provider sent is no HTTP header."""
    hashed = sha512()
    async for piece in body.chunks():
        hashed.update(piece)
    said = block.encode_request(call.verb, call.target, call.fields)
    own = hashed.digest() if body.size else None
    about = Answered(
        call.asked.client, call.target.service, call.message_id, call.request_id, block.request_hash(said, own)
    )
    fields = response_fields(answer.fields, about)
    if is_fault:
        fields += [field for field in answer.fields if field[0].lower() == ERROR]
    return msgspec.structs.replace(answer, fields=tuple(fields))
