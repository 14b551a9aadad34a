"""A portal spoken to over HTTP from a shell: found, asked with a token, and what it says brought to the person."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

import msgspec
import urllib3

from banyan.errors import UNREADABLE, Denied, Invalid, Problem, Unavailable
from banyan.kernel.catalogue.messages import load_messages
from banyan.limits import FETCH_CHUNK_BYTES
from banyan.running import kept_token, running
from banyan.service.opendata.asking import publish_from
from banyan.service.opendata.committing import Published
from banyan.service.opendata.desk import JobView
from banyan.terminal import language

MESSAGES = load_messages("banyan", "publishing.toml")
Pairs = list[tuple[str, str]]
CONNECT_S = 10.0


class Portal:
    """A running portal, spoken to over HTTP with a token."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise refused(Invalid, "bad_url")
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=CONNECT_S, read=60.0), retries=False)

    def upload(self, file: Path, pairs: Pairs, told: Callable[[int, int], None]) -> JobView:
        """Stream a file to the portal and begin its publish."""
        size = file.stat().st_size
        with file.open("rb") as content:
            query = urlencode([*pairs, ("wait", "0")])
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            target = f"/api/opendata/upload?{query}"
            answer = self.ask("POST", target, body=_chunks(content, size, told), headers=headers)
        return self._job(answer)

    def begin(self, pairs: Pairs) -> JobView:
        """Begin the publish of an address, which the portal reads itself."""
        return self._job(self.post("begin_publish", publish_from(pairs)))

    def post(self, operation: str, request: msgspec.Struct) -> bytes:
        headers = {"Content-Type": "application/json"}
        return self.ask("POST", f"/api/opendata/{operation}", body=msgspec.json.encode(request), headers=headers)

    def progress(self, job: str) -> JobView:
        """How a job stands, at its next step."""
        return self._job(self.ask("GET", f"/api/opendata/publish_progress/{job}?wait_s=5"))

    def cancel(self, job: str) -> None:
        body = msgspec.json.encode({"job": job})
        self.ask("POST", "/api/opendata/cancel_publish", body=body, headers={"Content-Type": "application/json"})

    def _job(self, answer: bytes) -> JobView:
        try:
            return msgspec.json.decode(answer, type=JobView)
        except UNREADABLE as error:
            raise refused(Invalid, "no_banyan", url=self.url) from error

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        sent = {"Accept-Language": language(), **self._headers, **(headers or {})}
        try:
            answer = self._pool.request(method, self.url + target, body=body, headers=sent, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise refused(Unavailable, "no_portal", url=self.url) from error
        if answer.status < 300:
            return answer.data
        raise _told_by(answer)


def _chunks(file: BinaryIO, size: int, told: Callable[[int, int], None]) -> Iterator[bytes]:
    while chunk := file.read(FETCH_CHUNK_BYTES):
        told(file.tell(), size)
        yield chunk


class _Said(msgspec.Struct):
    """What we read of an RFC 9457 answer."""

    title: str = ""
    remedy: str = ""
    detail: str = ""


def _told_by(answer: urllib3.BaseHTTPResponse) -> Problem:
    try:
        said = msgspec.json.decode(answer.data, type=_Said)
    except UNREADABLE:
        said = _Said(title=f"HTTP {answer.status}")
    kind = Denied if answer.status in (401, 403) else Problem
    return kind(said.title or f"HTTP {answer.status}", remedy=said.remedy or said.detail, status=answer.status)


def outcome(job: JobView) -> Published:
    if job.published is not None:
        return job.published
    assert job.refusal is not None, "a job that ended has published or says why not"
    raise job.refusal.problem()


def address_of(options: argparse.Namespace) -> str:
    """The portal asked for, else the one running on the data folder, else empty."""
    here = None if options.url else running(options.data)
    return (options.url or (here.url if here else "")).rstrip("/")


def token_of(options: argparse.Namespace) -> str:
    """The token asked with: the option, the environment, or the data folder's file."""
    return options.token or os.environ.get("BANYAN_TOKEN", "") or kept_token(options.data)


def sayer() -> Callable[..., str]:
    lang = language()
    return lambda key, **values: MESSAGES.text(key, lang, **values)


def refused(kind: type[Problem], key: str, **values: object) -> Problem:
    say = sayer()
    return kind(say(f"{key}.title", **values), remedy=say(f"{key}.remedy", **values))
