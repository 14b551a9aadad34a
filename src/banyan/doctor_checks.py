"""What the exchange doctor looks at: this gateway's own papers, every other gateway by its own hands, and a call by
each client here to each subsystem there. Each finding says in a sentence what is wrong and who must do what.

It shows this gateway's certificate to the others, as the gateway does, but is a process of its own: it finds a gateway
that does not answer too.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Final, Literal, Protocol

import msgspec

from banyan.errors import UNREADABLE, Invalid
from banyan.kernel.events.clock import Clock, EpochS, iso
from banyan.kernel.exchange.directory import ca, upkeep
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.pages import HeadPage
from banyan.kernel.exchange.messages.keysheet import parse_sheet
from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.road.tls import fingerprint
from banyan.limits import PEER_AHEAD_S
from banyan.limits_road import DIRECTORY_HEAD_BYTES, DOCTOR_WAIT_S
from banyan.wire.tlog import note
from banyan.wire.tlog.note import BadNote
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded

Level = Literal["ok", "note", "wrong"]
NOW_S: Final = 2.0
"""A clock that is off by less is not worth a sentence: a Date has whole seconds, and a call takes its time."""
_TELLS: Final = {
    "CERTIFICATE_EXPIRED": "has expired",
    "UNKNOWN_CA": "is from an authority that it does not trust",
    "BAD_CERTIFICATE": "is one that it does not take",
    "CERTIFICATE_REVOKED": "was revoked",
    "CERTIFICATE_REQUIRED": "was not shown",
}


class Finding(msgspec.Struct, frozen=True):
    """`about` is a gateway, a subsystem or this one; `who` must act, empty when nobody must."""

    level: Level
    code: str
    about: str
    says: str
    who: str = ""


class Peer(msgspec.Struct, frozen=True):
    """What a gateway answered on one page, and when it says it is."""

    status: int
    date: str
    body: bytes


class _Service(msgspec.Struct, frozen=True):
    service_code: str


class _Allowed(msgspec.Struct, frozen=True):
    """What we read of an answer of allowedMethods (X-Road's protocol of metadata of REST services)."""

    service: tuple[_Service, ...] = ()


class NotWho(OSError):
    """A certificate was shown that the directory does not have."""

    def __init__(self, ended: str) -> None:
        super().__init__("another certificate")
        self.ended = ended


def own_papers(agency: Agency, keeper: Keeper, clock: Clock) -> Iterator[Finding]:
    """This gateway's certificate and key, and the directory it holds."""
    me, now, standing = encoded(agency.file.gateway), clock(), keeper.standing
    held = upkeep.held(agency.tls)
    if held.until <= now:
        yield Finding(
            "wrong",
            "own-certificate-expired",
            me,
            f"This gateway's certificate ended on {iso(EpochS(held.until))}; every other gateway refuses it.",
            "You: start the gateway where it reaches the centre, which renews it; else `agency join` anew.",
        )
    elif standing.server_of(held.sha256) != agency.file.gateway:
        yield Finding(
            "wrong",
            "own-certificate-unknown",
            me,
            "The directory does not have the certificate that this gateway shows.",
            "You: wait for the directory if it was renewed just now; else ask the centre what it has.",
        )
    else:
        yield Finding("ok", "own-certificate", me, f"This gateway's certificate holds until {iso(EpochS(held.until))}.")
    first, _ = agency.signers()
    if standing.keys(first.keyid) is None:
        yield Finding(
            "wrong",
            "own-key-unknown",
            me,
            "The directory does not have the key that this agency signs with, or it has ended.",
            "You: run `./banyan agency rotate-key`, or put back the key that the directory has.",
        )
    match standing.freshness(now):
        case "fresh":
            yield Finding("ok", "directory", me, f"The directory is version {standing.version}, fresh.")
        case "stale":
            hours = int((now - standing.beat) // 3_600)
            yield Finding(
                "wrong",
                "directory-stale",
                me,
                f"The centre has not been heard for {hours} hours; exchange goes on for thirty days.",
                "The centre's operator starts its gateway, or you let this one reach it or any other.",
            )
        case "expired":
            yield Finding(
                "wrong",
                "directory-expired",
                me,
                "The directory has expired, so no call goes out or comes in.",
                "You: let this gateway reach the centre, or any gateway that has heard it.",
            )
    for sentence in keeper.alerts:
        yield Finding("wrong", "split-view", me, sentence, "The centre's officers and the auditor.")


def of_gateway(
    server: ServerId, route: Route, context: ssl.SSLContext, keeper: Keeper, clock: Clock
) -> Iterator[Finding]:
    """Call another gateway: is it there, is it who the directory says, is its clock right, has it heard the news."""
    about, operator = encoded(server), f"{server.member}'s operator"
    try:
        head = asked(route, context, "/directory/head", clock)
    except NotWho as error:
        if error.ended:
            yield Finding(
                "wrong",
                "certificate-expired",
                about,
                f"It shows a certificate that ended on {error.ended}.",
                f"{operator} starts the gateway where it reaches the centre, which renews it.",
            )
        else:
            yield Finding(
                "wrong",
                "certificate-unknown",
                about,
                "It shows a certificate that the directory does not have.",
                f"{operator} publishes it by the centre, or shows the one that stands in the directory.",
            )
        return
    except ssl.SSLError as error:
        yield _refused(about, operator, error)
        return
    except (OSError, http.client.HTTPException) as error:
        yield _unreachable(about, operator, route, error)
        return
    yield Finding("ok", "reachable", about, f"It answers at {route.host}:{route.port} and is who the directory says.")
    yield from _clock(about, operator, head, clock)
    yield from _news(about, operator, head, keeper)


class Memory(Protocol):
    """The keys of other gateways' logs, as they were seen first."""

    def known(self, server: ServerId) -> bytes | None: ...

    def learn(self, server: ServerId, sheet: bytes) -> None: ...


def of_log(server: ServerId, route: Route, context: ssl.SSLContext, memory: Memory, clock: Clock) -> Iterator[Finding]:
    """Whether a gateway's message log is still signed by the keys it is known by."""
    try:
        answer = asked(route, context, "/log/keys", clock)
        sheet = parse_sheet(answer.body)
    except (OSError, http.client.HTTPException, BadNote):
        return  # it does not answer, which was said before, or keeps no log
    known = memory.known(server)
    if known is None:
        memory.learn(server, answer.body)
    elif parse_sheet(known) != sheet:
        yield Finding(
            "wrong",
            "log-keys-rotated",
            encoded(server),
            "Its message log is signed by other keys than when it was looked at first.",
            f"{server.member}'s operator explains by another way; rely on no receipt of it until then.",
        )


def witnessed(me: str, signed: bytes, own_origin: str, others: int) -> Finding:
    """Whether the newest checkpoint of this gateway's log bears another's cosignature."""
    if not signed:
        return Finding("note", "log-empty", me, "This gateway's message log has no checkpoint yet.")
    names = {line.name for line in note.parse(signed).signatures if not line.name.startswith(own_origin)}
    if names:
        return Finding(
            "ok", "log-witnessed", me, f"The message log's checkpoint is witnessed by {len(names)} other(s)."
        )
    if not others:
        return Finding("note", "log-alone", me, "No other member has a gateway that could witness this message log.")
    return Finding(
        "wrong",
        "log-unwitnessed",
        me,
        "No other gateway has witnessed the newest checkpoint of this message log.",
        "You: let this gateway reach the others above; it asks them again by itself.",
    )


def of_call(edge: str, client: ClientId, subsystem: ClientId, is_needed: bool) -> Finding:
    """Ask, as a client here, what it may ask there: the whole way, signatures, logs and grants."""
    about = f"{encoded(client)} → {encoded(subsystem)}"
    provider = subsystem.member
    try:
        answer = _edge(edge, f"/r1/{encoded(subsystem)}/allowedMethods", encoded(client))
    except (OSError, http.client.HTTPException):
        return Finding(
            "wrong",
            "edge-unreachable",
            about,
            f"This gateway does not answer its own clients at {edge}.",
            "You: start it (./banyan up).",
        )
    if answer.status != 200:
        said = _said(answer.body)
        return Finding("wrong", "call-refused", about, f"A call does not get through: {said}", "As it says.")
    try:
        allowed = msgspec.json.decode(answer.body, type=_Allowed).service
    except UNREADABLE:
        return Finding(
            "wrong",
            "edge-unreadable",
            about,
            f"What answers clients at {edge} is not this gateway: its list of services cannot be read.",
            "You: see what listens there, or give this gateway another edge_port.",
        )
    if allowed:
        return Finding("ok", "granted", about, f"May ask {', '.join(sorted(one.service_code for one in allowed))}.")
    return Finding(
        "wrong" if is_needed else "note",
        "no-grant",
        about,
        f"{encoded(client)} may ask nothing of {encoded(subsystem)}.",
        f"Two officers of {provider} grant it at /exchange/grants, if the law has a basis.",
    )


def client_context(agency: Agency, roots: Sequence[bytes]) -> ssl.SSLContext:
    """As the gateway's own: both show a certificate; whose it is the directory's fingerprint says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # an expired one must be seen to be named; `asked` compares the fingerprint
    try:
        context.load_cert_chain(agency.tls)
    except (OSError, ssl.SSLError) as error:
        raise Invalid.at(str(agency.tls), "Key and certificate cannot be read.") from error
    for root in roots:
        context.load_verify_locations(cadata=ca.pem(ca.read_certificate(root)).decode())
    return context


def asked(route: Route, context: ssl.SSLContext, page: str, clock: Clock) -> Peer:
    """What a gateway answers on a page of its own. Raises NotWho, OSError, HTTPException."""
    connection = http.client.HTTPSConnection(route.host, route.port, timeout=DOCTOR_WAIT_S, context=context)
    try:
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True) or b""
        ended = ca.read_certificate(shown).not_valid_after_utc.timestamp() if shown else 0.0
        if ended <= clock():
            raise NotWho(iso(EpochS(ended)))
        if fingerprint(shown) not in route.certificates:
            raise NotWho("")
        connection.request("GET", page)
        answer = connection.getresponse()
        return Peer(answer.status, answer.getheader("date") or "", answer.read(DIRECTORY_HEAD_BYTES))
    finally:
        connection.close()


def _edge(edge: str, path: str, client: str) -> Peer:
    host, _, port = edge.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=4 * DOCTOR_WAIT_S)
    try:
        connection.request("GET", path, headers={"X-Road-Client": client})
        answer = connection.getresponse()
        return Peer(answer.status, "", answer.read(DIRECTORY_HEAD_BYTES))
    finally:
        connection.close()


def _refused(about: str, operator: str, error: ssl.SSLError) -> Finding:
    """It ended the handshake: nearly always our certificate."""
    reason = (error.reason or "").upper()
    why = next((words for name, words in _TELLS.items() if name in reason), "")
    if why:
        return Finding(
            "wrong",
            "own-certificate-refused",
            about,
            f"It says that this gateway's certificate {why}.",
            f"Compare this gateway's certificate with the directory; then {operator} updates its own.",
        )
    return Finding(
        "wrong",
        "tls",
        about,
        f"TLS with it fails: {reason or type(error).__name__}.",
        f"{operator} and you compare both certificates with the directory.",
    )


def _unreachable(about: str, operator: str, route: Route, error: Exception) -> Finding:
    where = f"{route.host}:{route.port}"
    if isinstance(error, socket.gaierror):
        says = f"The name {route.host} is not known here."
    elif isinstance(error, TimeoutError):
        says = f"{where} does not answer within {DOCTOR_WAIT_S:g} seconds."
    elif isinstance(error, ConnectionRefusedError):
        says = f"Nothing listens at {where}."
    else:
        says = f"{where} cannot be reached ({type(error).__name__})."
    return Finding(
        "wrong",
        "unreachable",
        about,
        says,
        f"{operator} starts it and checks its address in the directory; you check the network to it.",
    )


def _clock(about: str, operator: str, head: Peer, clock: Clock) -> Iterator[Finding]:
    try:
        ahead = parsedate_to_datetime(head.date).timestamp() - clock()
    except (ValueError, TypeError):
        return
    if abs(ahead) > PEER_AHEAD_S:
        way = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            "wrong",
            "clock",
            about,
            f"Its clock is {abs(ahead):.0f} seconds {way} this one; more than {PEER_AHEAD_S} are refused.",
            f"You and {operator} compare both clocks with an NTP server.",
        )
    elif abs(ahead) > NOW_S:
        yield Finding("note", "clock", about, f"Its clock is {abs(ahead):.0f} seconds off this one.")


def _news(about: str, operator: str, head: Peer, keeper: Keeper) -> Iterator[Finding]:
    try:
        told = msgspec.json.decode(head.body, type=HeadPage)
    except UNREADABLE:
        yield Finding(
            "wrong",
            "directory-unreadable",
            about,
            f"It answers {head.status} when asked for its directory.",
            f"{operator} looks at its gateway's log.",
        )
        return
    ours = int(keeper.standing.version)
    if told.version < ours:
        yield Finding(
            "wrong",
            "directory-behind",
            about,
            f"Its directory is version {told.version}, this one's is {ours}.",
            f"Wait a minute; if it stays, {operator} lets its gateway reach the centre or any other.",
        )
    elif told.version > ours:
        yield Finding(
            "note",
            "directory-ahead",
            about,
            f"Its directory is version {told.version}, newer than {ours} here; this gateway asks for it.",
        )


def _said(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body, type=dict[str, str])["message"])
    except (*UNREADABLE, KeyError):
        return "the answer cannot be read"
