"""Message logs of two agencies, and signed exchanges between them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import msgspec
from tests.wire.httpsig.road import BODY, NOW, a_request, an_answer

from banyan.errors import Limit
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.road.leg import text_of
from banyan.kernel.exchange.road.model import Exchanged, Role, Signed
from banyan.wire.httpsig.message import Fields
from banyan.wire.xroad.identifiers import ClientId, ServiceId

HOSPITAL = ClientId("TW", "GOV", "NHI", "hospital")
BORDER = ServiceId("TW", "GOV", "NIA", "border", "travel")
ASKER = origin_of(("TW", "GOV", "NHI", "gw1"))
ANSWERER = origin_of(("TW", "GOV", "NIA", "gw1"))
REQUEST = a_request()
ANSWER = an_answer(REQUEST)


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> EpochS:
        return EpochS(self.now)


class Held:
    """A body in memory."""

    def __init__(self, data: bytes = BODY) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._data), 50_000):
            yield self._data[start : start + 50_000]

    def whole(self, most: int) -> bytes:
        if len(self._data) > most:
            raise Limit("too large")
        return self._data

    def close(self) -> None:
        """Nothing to give back."""


def counted(start: int = 0) -> Callable[[int], bytes]:
    """Randomness that a test can repeat."""
    number = count(start)
    return lambda size: hashlib.shake_128(b"%d" % next(number)).digest(size)


def lines_of(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode("latin-1")) for name, values in fields.items() for value in values)


def signed(number: int = 0) -> tuple[Signed, Signed]:
    """A request and its answer as a log gets them; `number` makes the signatures others, so those no longer hold."""
    asked = Signed(b"POST\r\n" + REQUEST.target.encode(), text_of(lines_of(REQUEST.fields)), "https", REQUEST.authority)
    answered = Signed(b"200\r\nOK", text_of(lines_of(ANSWER.fields)))
    return (asked, answered) if not number else (_other(asked, number), _other(answered, number))


def exchanged(number: int = 0, role: Role = "client", **changes: object) -> Exchanged:
    """An exchange of the hospital with the border; the same `number` at both sides is the same exchange."""
    request, answer = signed(number)
    made = Exchanged(
        xid=f"00000000-0000-4000-8000-{number:012}",
        role=role,
        client=HOSPITAL,
        service=BORDER,
        message_id=f"TW-{number}",
        at=EpochS(NOW + number / 100),
        status=200,
        purpose="epidemic-control",
        basis="cdc/36@1",
        request=request,
        answer=answer,
    )
    return msgspec.structs.replace(made, **changes)


@asynccontextmanager
async def a_log(
    folder: Path, role: Role = "client", clock: Clock | None = None, **settings: object
) -> AsyncIterator[Opened]:
    """The log of the hospital's gateway, or of the border's."""
    origin, member = (ASKER, HOSPITAL) if role == "client" else (ANSWERER, BORDER.provider)
    seed = int.from_bytes(hashlib.sha256(str(folder).encode()).digest()[:4])
    async with open_messages(
        folder, origin=origin, members=[member], clock=clock or Clock(), random=counted(seed), **settings
    ) as opened:
        yield opened


async def keep_all(opened: Opened, numbers: range, role: Role = "client", **changes: object) -> None:
    for start in range(numbers.start, numbers.stop, 2_000):
        some = range(start, min(start + 2_000, numbers.stop))
        await asyncio.gather(*(opened.messages.keep(exchanged(number, role, **changes)) for number in some))


def _other(message: Signed, number: int) -> Signed:
    fields = tuple((name, value + b"%d" % number if name == b"signature" else value) for name, value in message.fields)
    return msgspec.structs.replace(message, text=text_of(fields))
