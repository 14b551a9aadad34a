"""The memory of nonces: a signed request counts once.

Two generations, each as long as a request can be young enough: the older is dropped whole, so forgetting costs nothing.
After a start nothing is remembered. Either the message log tells what came lately (`recalled`), or all that could have
been taken before the start is refused: for a gateway without a log's memory that is PEER_AHEAD_S of refusals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from banyan.limits import PEER_AGE_S, PEER_AHEAD_S
from banyan.limits_road import ROAD_NONCES

_WINDOW_S: Final = PEER_AGE_S + PEER_AHEAD_S


class Nonces:
    """`recalled`: (keyid, nonce) of requests taken in the last PEER_AGE_S + PEER_AHEAD_S; None: nobody knows."""

    def __init__(
        self, started: float, recalled: Iterable[tuple[str, str]] | None = None, *, most: int = ROAD_NONCES
    ) -> None:
        self._now = {(keyid, nonce) for keyid, nonce in recalled or ()}
        self._before: set[tuple[str, str]] = set()
        self._turn = started + _WINDOW_S
        self._not_before = 0.0 if recalled is not None else started + PEER_AHEAD_S
        self._most = most

    def take(self, keyid: str, nonce: str, created: int, now: float) -> bool:
        """Whether it comes for the first time; it is remembered then."""
        if created <= self._not_before:
            return False
        if now >= self._turn:
            self._before = self._now if now < self._turn + _WINDOW_S else set()
            self._now = set()
            self._turn = now + _WINDOW_S
        one = (keyid, nonce)
        if one in self._now or one in self._before or len(self._now) >= self._most:
            return False
        self._now.add(one)
        return True
