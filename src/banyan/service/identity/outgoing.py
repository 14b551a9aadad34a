"""Asking an outside issuer: one request, bounded in time and size, never redirected, its certificate checked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import urllib3

from banyan.errors import Unavailable
from banyan.kernel.identity.openid.clients import is_safe_redirect
from banyan.limits_identity import OUTSIDE_BYTES, OUTSIDE_TIME_S

_POOL: Final = urllib3.PoolManager(num_pools=8, maxsize=2)
FORM: Final = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


async def fetch(url: str, form: Mapping[str, str] | None) -> bytes:
    """GET, or POST of the form; only https, or http on this machine. Raises Unavailable."""
    if not is_safe_redirect(url):
        raise Unavailable("an outside issuer is asked by https only", remedy="check its address in node.toml")
    return await asyncio.to_thread(_fetch, url, form)


def _fetch(url: str, form: Mapping[str, str] | None) -> bytes:
    try:
        answer = _POOL.request(
            "GET" if form is None else "POST",
            url,
            body=None if form is None else urlencode(form),
            headers=FORM,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(total=OUTSIDE_TIME_S),
            preload_content=False,
        )
        with answer:
            content = answer.read(OUTSIDE_BYTES + 1)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("the outside issuer does not answer", remedy="sign in another way, or later") from error
    if answer.status != 200 or len(content) > OUTSIDE_BYTES:
        raise Unavailable("the outside issuer refused", remedy="sign in another way, or later")
    return bytes(content)
