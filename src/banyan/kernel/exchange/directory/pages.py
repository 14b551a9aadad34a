"""What a gateway tells of its directory: `GET /directory/…`, and news by `POST`. All of it is signed by the authority,
so it may come from anybody and go to anybody.

    GET  /directory/head                 HeadPage as JSON: what is held, to be compared
    GET  /directory/log?from=N           entries as a C2SP bundle, at most DIRECTORY_PAGE_ENTRIES
    GET  /directory/snapshot             the document in force
    GET  /directory/receipt              its proof in the log (c2sp.org/tlog-proof@v1)
    GET  /directory/checkpoint           the newest checkpoint (c2sp.org/tlog-checkpoint)
    GET  /directory/revocations          signed notes as a JSON list; POST the same to hand them on
    GET  /directory/evidence?name=NAME   proof of a split view
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

import msgspec

from banyan.kernel.exchange.directory.evidence import Evidence
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.limits_road import DIRECTORY_EVIDENCE, DIRECTORY_HANDOVERS, DIRECTORY_NOTE_BYTES, DIRECTORY_REVOCATIONS
from banyan.wire.tlog.tiles import encode_bundle

PREFIX: Final = "/directory/"
REVOCATIONS_BYTES: Final = DIRECTORY_REVOCATIONS * 1_024
"""A revocation has about 300 bytes; one of the longest subject 1,300."""
JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"


class HeadPage(msgspec.Struct, frozen=True):
    """`revocations`: a digest over all that are held; `evidence`: names of files."""

    instance: str
    version: int
    size: int
    checkpoint: str
    handovers: list[str]
    revocations: str
    evidence: list[str]


class Told(msgspec.Struct, frozen=True):
    status: int
    media_type: str
    body: bytes


_DECODER: Final = msgspec.json.Decoder(HeadPage)


def head_of(keeper: Keeper) -> HeadPage:
    held = keeper.held
    announced = held.facts.announced
    return HeadPage(
        keeper.anchor.instance,
        announced.version if announced else 0,
        held.facts.size,
        held.checkpoint.decode(),
        [one.decode() for one in held.handovers],
        keeper.digest,
        sorted(one.name for one in keeper.evidence),
    )


def read_head(data: bytes) -> HeadPage:
    """Raises Refused."""
    try:
        head = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"the peer's head cannot be read: {error}") from error
    if len(head.handovers) > DIRECTORY_HANDOVERS or len(head.evidence) > DIRECTORY_EVIDENCE or head.size < 0:
        raise Refused("the peer's head is beyond its bounds")
    return head


def read_revocations(data: bytes) -> list[bytes]:
    """Raises Refused."""
    try:
        found = msgspec.json.decode(data, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"revocations cannot be read: {error}") from error
    if len(found) > DIRECTORY_REVOCATIONS or any(len(one) > DIRECTORY_NOTE_BYTES for one in found):
        raise Refused("revocations beyond their bounds")
    return [one.encode() for one in found]


def answer(
    keeper: Keeper, verb: str, target: str, body: bytes = b"", *, heard: Callable[[], None] | None = None
) -> Told:
    """What stands behind a path below PREFIX. Reads files: call it in a thread. `heard` is called after news came."""
    path, _, query = target.partition("?")
    if verb == "POST" and path == PREFIX + "revocations":
        return _take(keeper, body, heard)
    if verb != "GET" or not keeper.held.facts.size:
        return Told(404, TEXT, b"There is no such page, or no directory yet.\n")
    match path.removeprefix(PREFIX):
        case "head":
            return Told(200, JSON, msgspec.json.encode(head_of(keeper)))
        case "log":
            start = _query(query, "from")
            return Told(200, BYTES, encode_bundle(keeper.entries(int(start) if _is_number(start) else 0)))
        case "snapshot":
            return Told(200, JSON, keeper.snapshot())
        case "receipt":
            return Told(200, TEXT, keeper.receipt(keeper.announced_at()).encode())
        case "checkpoint":
            return Told(200, TEXT, keeper.held.checkpoint)
        case "revocations":
            return Told(200, JSON, msgspec.json.encode([one.decode() for one in keeper.revocations]))
        case "evidence":
            found = _evidence(keeper, _query(query, "name"))
            if found is not None:
                return Told(200, JSON, found.encode())
    return Told(404, TEXT, b"There is no such page.\n")


def _take(keeper: Keeper, body: bytes, heard: Callable[[], None] | None) -> Told:
    try:
        news = keeper.take_revocations(read_revocations(body))
    except Refused as error:
        return Told(400, TEXT, f"{error}\n".encode())
    if news and heard:
        heard()
    return Told(200, TEXT, f"{news}\n".encode())


def _evidence(keeper: Keeper, name: str) -> Evidence | None:
    return next((one for one in keeper.evidence if one.name == name), None)


def _query(query: str, name: str) -> str:
    """Of an address that a stranger wrote: empty when it is longer than any of ours."""
    return parse_qs(query).get(name, [""])[0] if len(query) < 200 else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
