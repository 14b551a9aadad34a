"""One round over another authority's feed: what is new, each alert with its verdict and what its signature is worth.

The caller fetches (`Fetch`), stores what is `taken`, and gives the state back next time. A round asks with the last
ETag, fetches one document after another, at most FOLLOW_FETCHES a round and only from the hosts the source names, so
that a feed cannot send us into our own network. What could not be fetched is asked for again in the next round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from banyan.errors import Problem
from banyan.limits_alerts import CAP_BYTES, FEED_BYTES, FOLLOW_FETCHES
from banyan.wire.cap import indexes, reading, signing
from banyan.wire.cap.model import Alert
from banyan.wire.cap.register import Register
from banyan.wire.cap.verdict import Finding, Verdict


class Fetched(msgspec.Struct, frozen=True):
    """An answer over HTTP: 304 has no body."""

    status: int
    body: bytes = b""
    etag: str = ""
    modified: str = ""


Fetch = Callable[[str, Mapping[str, str], int], Awaitable[Fetched]]
"""(address, headers, at most so many octets). Raises Problem when there is no answer in time or it is too large."""


class Source(msgspec.Struct, frozen=True):
    """A feed that is followed; `hosts` are where its alerts may lie, besides the feed's own host."""

    address: str
    hosts: tuple[str, ...] = ()


class State(msgspec.Struct, frozen=True):
    """Between rounds: the feed's marks, and which entries (`id updated`) of it have been taken."""

    etag: str = ""
    modified: str = ""
    taken: frozenset[str] = frozenset()


class Taken(msgspec.Struct, frozen=True):
    """An alert from elsewhere, shown as theirs. `alert` is None when its structure does not hold."""

    entry: indexes.Entry
    body: bytes
    alert: Alert | None
    verdict: Verdict
    seals: tuple[signing.Sealed, ...]
    is_named_so: bool
    """Is the alert's identifier the entry's id, or its end (Canada's ids are tags)?"""


class Round(msgspec.Struct, frozen=True):
    """`failed` are the addresses that gave nothing, with the reason; `is_changed` is false on 304."""

    state: State
    is_changed: bool
    taken: tuple[Taken, ...] = ()
    findings: tuple[Finding, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


async def go_round(source: Source, state: State, fetch: Fetch, *, register: Register) -> Round:
    """Fetch the feed and what is new in it. Never raises for what others serve."""
    marks = {"If-None-Match": state.etag, "If-Modified-Since": state.modified}
    try:
        answer = await fetch(source.address, {name: mark for name, mark in marks.items() if mark}, FEED_BYTES)
    except Problem as problem:
        return Round(state, is_changed=False, failed=((source.address, problem.title),))
    if answer.status == 304:
        return Round(state, is_changed=False)
    if answer.status != 200:
        return Round(state, is_changed=False, failed=((source.address, f"it answered {answer.status}"),))
    index = indexes.read(answer.body)
    if not index.kind:
        return Round(state, is_changed=True, findings=index.findings)
    wanted = [entry for entry in index.entries if _key(entry) not in state.taken]
    taken, failed = await _take(source, wanted[:FOLLOW_FETCHES], fetch, register)
    done = {_key(each.entry) for each in taken} | (state.taken & {_key(entry) for entry in index.entries})
    is_whole = len(taken) == len(wanted)
    after = State(answer.etag if is_whole else "", answer.modified if is_whole else "", frozenset(done))
    return Round(after, is_changed=True, taken=taken, findings=index.findings, failed=failed)


async def _take(
    source: Source, entries: list[indexes.Entry], fetch: Fetch, register: Register
) -> tuple[tuple[Taken, ...], tuple[tuple[str, str], ...]]:
    hosts = {_host(source.address), *source.hosts}
    taken, failed = [], []
    for entry in entries:
        body = entry.alert
        if not body:
            if _host(entry.link) not in hosts:
                failed.append((entry.link, "this source may not send us to that host"))
                continue
            try:
                answer = await fetch(entry.link, {}, CAP_BYTES)
            except Problem as problem:
                failed.append((entry.link, problem.title))
                continue
            if answer.status != 200:
                failed.append((entry.link, f"it answered {answer.status}"))
                continue
            body = answer.body
        judged = reading.judge(body)
        name = judged.alert.identifier if judged.alert is not None else ""
        is_named_so = bool(name) and (entry.id == name or entry.id.endswith(f"/{name}"))
        made = Taken(entry, body, judged.alert, judged.verdict, signing.verify(body, register), is_named_so)
        taken.append(made)
    return tuple(taken), tuple(failed)


def _key(entry: indexes.Entry) -> str:
    return f"{entry.id} {entry.updated}"


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").lower()
