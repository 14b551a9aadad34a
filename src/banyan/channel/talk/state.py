"""What a dialogue remembers between two turns: a form half filled, a question that lacks its place. Signed, not stored.

The state travels with the person (a hidden field, a chat's payload), so no server keeps who said what.
"""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.dialogue import Language
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.session import Signer
from banyan.limits import TALK_STATE_BYTES, TALK_TIME_S


class State(msgspec.Struct, frozen=True, array_like=True):
    """`operation` is the form being filled with `filled`, `asking` its next field; `question` waits for a place."""

    lang: Language = "zh-Hant"
    operation: str = ""
    filled: dict[str, str] = {}
    asking: str = ""
    question: str = ""
    place: tuple[float, float] | None = None
    misses: int = 0
    """Questions in a row that were not understood; at two a person is offered first."""
    until: float = 0.0


class States:
    """Signs states and reads them back; a forged, damaged or old one is a new dialogue."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, "talk")

    def write(self, state: State, now: EpochS) -> str:
        kept = msgspec.structs.replace(state, until=now + TALK_TIME_S)
        return self._signer.sign(msgspec.json.encode(kept))

    def read(self, token: str, now: EpochS) -> State:
        payload = self._signer.read(token, TALK_STATE_BYTES) if token else None
        if payload is None:
            return State()
        state = msgspec.json.decode(payload, type=State)  # signed by us: it has our shape
        return state if state.until > now else State()
