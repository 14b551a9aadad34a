"""Pushing a signed word to an address that an agency declared (RFC 8935 s2.1: a Security Event Token by POST; 202 takes
it)."""

from __future__ import annotations

from typing import Final

from banyan.limits_mydata import MYDATA_TELL_S
from banyan.outward import ask
from banyan.service.mydata.shelf import Push

MEDIA_TYPE: Final = "application/secevent+jwt"


def pusher(*, allow_private: bool) -> Push:
    """`allow_private` as `fetch.allow_private` of node.toml: addresses inside our own network may be told too."""

    async def push(url: str, token: bytes) -> int:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
        said = await ask("POST", url, headers, token, time_s=MYDATA_TELL_S, allow_private=allow_private)
        return said.status

    return push
