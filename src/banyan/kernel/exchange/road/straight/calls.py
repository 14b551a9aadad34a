"""A call as what stands behind the provider's gateway is given it, out of a head of a known form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.model import Call
from banyan.kernel.exchange.road.straight.forms import PATH, QUERY, REQUEST_PATH, VERB, Form
from banyan.wire.xroad.headers import Asked, Field, travels
from banyan.wire.xroad.identifiers import ClientId, ServiceId
from banyan.wire.xroad.target import Target

Pick = Callable[[Sequence[bytes]], tuple[bytes, ...]]


class Called:
    """Makes the same `Call` as `calls.call_of` does of the same head. `kept`: the fields that come off the leg, and
    their places."""

    __slots__ = ("_consent", "_issue", "_message_id", "_names", "_pick", "_request_id", "_travelling", "_user_id")

    def __init__(self, form: Form, kept: Sequence[tuple[bytes, int]]) -> None:
        self._names = tuple([name for name, _ in kept])
        self._pick: Pick = itemgetter(*[place for _, place in kept])
        going = [at for at, (name, _) in enumerate(kept) if travels(name)]
        self._travelling: Callable[[Sequence[Field]], tuple[Field, ...]] = itemgetter(*going)
        self._message_id, self._request_id = form.place["x-road-id"], form.place["x-road-request-id"]
        self._user_id, self._issue, self._consent = [
            form.place.get(low, -1) for low in ("x-road-userid", "x-road-issue", "x-banyan-consent")
        ]

    def call(
        self, row: Sequence[bytes], client: ClientId, service: ServiceId, purpose: str, *, at: EpochS, until: EpochS
    ) -> Call:
        fields = tuple(zip(self._names, self._pick(row), strict=True))
        query = row[QUERY]
        message_id = row[self._message_id].decode("ascii")
        return Call(
            row[VERB].decode("ascii"),
            Target(service, row[REQUEST_PATH], row[PATH], query[1:] if query else None),
            Asked(client, self._travelling(fields), message_id, _text(row, self._user_id), _text(row, self._issue)),
            fields,
            row[self._request_id].decode("ascii"),
            message_id,
            at,
            until,
            purpose,
            _text(row, self._consent),
        )


def _text(row: Sequence[bytes], place: int) -> str:
    return row[place].decode("ascii") if place >= 0 else ""
