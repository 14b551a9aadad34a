"""A person's browser without scripts, in Python."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Any


class Person:
    """A browser that follows redirects, keeps cookies and sends the provider's forms."""

    def __init__(self) -> None:
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open

    def go(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        return self._went(url, urllib.parse.urlencode(form).encode() if form is not None else None)

    def _went(self, url: str, data: bytes | None) -> tuple[int, str, str]:
        try:
            with self._open(urllib.request.Request(url, data, {"Accept": "text/html"}), timeout=20) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.url, error.read().decode()

    def submit(self, url: str, pairs: list[tuple[str, str]]) -> tuple[int, str, str]:
        """A form in which a name may come twice."""
        return self._went(url, urllib.parse.urlencode(pairs).encode())

    def sign_in(self, url: str, persona: str) -> tuple[int, str, str]:
        status, at, text = self.go(url)
        for _ in range(3):
            token = re.search(r'name="form_token" value="([^"]*)"', text)
            if token is None:
                break
            step: dict[str, Any] = {"form_token": token.group(1), "do": "agree"}
            if 'name="persona"' in text:
                step |= {"do": "persona", "persona": persona}
            status, at, text = self.go(at, step)
        return status, at, text
