"""`agency join ADDRESS`: asking the centre's counter over HTTPS. What it answers is checked by the pinned keys."""

from __future__ import annotations

from typing import Final

import urllib3

from banyan.errors import Invalid, NotFound, Unavailable
from banyan.limits_road import DIRECTORY_DOCUMENT_BYTES, DIRECTORY_DOCUMENT_S

_CONNECT_S: Final = 10.0
_MOST: Final = 2 * DIRECTORY_DOCUMENT_BYTES
"""A welcome holds the document as a JSON text, and the log."""


def is_address(source: str) -> bool:
    return source.startswith(("https://", "http://"))


def ask_centre(address: str, verb: str, page: str, body: bytes = b"") -> bytes:
    """The body of a 2xx. Raises NotFound, Unavailable, or Invalid with the centre's words."""
    url = f"{address.rstrip('/')}/directory/{page}"
    timeout = urllib3.Timeout(connect=_CONNECT_S, read=DIRECTORY_DOCUMENT_S)
    with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
        try:
            answer = pool.request(verb, url, body=body or None, redirect=False, preload_content=False)
            data = answer.read(_MOST + 1)
            answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(
                f"The centre at {address} does not answer.", remedy="Check the address and the network."
            ) from error
    if answer.status == 404:
        raise NotFound(f"The centre at {address} has no such page: {page[:60]}.", remedy="Check the address.")
    if not 200 <= answer.status < 300:
        raise Invalid.at("centre", f"It answered {answer.status}: {data[:300].decode('utf-8', 'replace').strip()}")
    if len(data) > _MOST:
        raise Unavailable(f"The centre at {address} answers more than {_MOST} bytes.")
    return data
