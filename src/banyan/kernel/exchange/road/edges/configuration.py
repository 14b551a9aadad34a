"""`/verificationconf`, `/internalconf` and `/V5/N/shared-params.xml`: the directory in the form that the field's tools
read. Rendered once for each version of the directory, off the loop, and signed anew as it would expire.

Source: X-Road PR-GCONF, UG-SIGDOC s3.2.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.edges.asked import check_get, once, pairs
from banyan.kernel.exchange.road.model import Directory, Request, Response, Route
from banyan.wire.xroad import sharedparams, signedconf, verification
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServerId
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.sharedparams import Authority, Server, SharedParams, Source
from banyan.wire.xroad.verification import VerificationConf

VERIFICATION: Final = b"/verificationconf"
INTERNAL: Final = b"/internalconf"
FILES: Final = b"/V5/"
LIFE_S: Final = 600
"""How long a signed directory holds: the field's `confExpireIntervalSeconds`."""
_AGAIN_S: Final = 60
"""Signed anew this often: what the field's central server does."""


class ConfSigner(msgspec.Struct, frozen=True):
    """Who vouches for the configuration: `sign` gives a signature by `algorithm` (a URI of `wire.xroad.signedconf`);
    ECDSA in DER, as the field's Java reads it. `certificate` is DER."""

    certificate: bytes
    algorithm: str
    sign: Callable[[bytes], bytes]


class _Rendered(msgspec.Struct, frozen=True):
    version: str
    shared: Mapping[str, bytes]
    """By instance."""
    archive: bytes


class Configuration:
    """The three pages. `address` is where this gateway's edge is known; `authorities` are the directory's CAs."""

    def __init__(
        self,
        directory: Directory,
        instance: str,
        signer: ConfSigner,
        *,
        clock: Callable[[], EpochS],
        address: str,
        authorities: Callable[[], tuple[Authority, ...]] = tuple,
    ) -> None:
        self._directory, self._instance, self._signer = directory, instance, signer
        self._clock, self._address, self._authorities = clock, address, authorities
        self._rendered = _Rendered("", {}, b"")
        self._signed: tuple[str, int, bytes] = ("", 0, b"")
        self._turn = asyncio.Lock()

    async def verification(self, request: Request) -> Response:
        check_get(request)
        name = (b"content-disposition", b'attachment; filename="verificationconf.zip"')
        return _answer((await self._fresh()).archive, verification.MEDIA_TYPE, name)

    async def internal(self, request: Request) -> Response:
        """Raises NotFound for another version of the format than 5 (PR-GCONF s2.7)."""
        check_get(request)
        if once(pairs(request), "version") not in ("", str(sharedparams.VERSION)):
            raise NotFound("The configuration is given in version 5.", remedy="Ask with version=5.")
        body = self._signed_conf(await self._fresh())
        return _answer(body, signedconf.media_type(body))

    async def file(self, request: Request) -> Response:
        """`/V5/N/shared-params.xml`, and `/V5/N/I/shared-params.xml` for the I-th other instance, of this version."""
        check_get(request)
        rendered = await self._fresh()
        path = request.target.partition(b"?")[0].decode("ascii")
        for instance, location in _locations(rendered, self._instance).items():
            if location == path:
                return _answer(rendered.shared[instance], "text/xml")
        raise NotFound("This version of the configuration is gone.", remedy="Ask /internalconf for the newest.")

    async def _fresh(self) -> _Rendered:
        """Raises Fault (OutdatedGlobalConf): the directory has expired."""
        if self._directory.freshness(self._clock()) == "expired":
            message, fix = "The directory has expired.", "Connect this gateway to the centre or to a peer."
            raise Fault(Origin.CLIENT_PROXY, Code.OUTDATED_GLOBALCONF, message=message, fix=fix)
        async with self._turn:
            if self._rendered.version != self._directory.version:
                source = Source(self._address, self._signer.certificate)
                version = self._directory.version
                params = shared_params(self._directory, self._instance, (source,), self._authorities())
                self._rendered = await asyncio.to_thread(_render, version, self._instance, params)
            return self._rendered

    def _signed_conf(self, rendered: _Rendered) -> bytes:
        version, minute, body = self._signed
        now = int(self._clock()) // _AGAIN_S
        if (version, minute) != (rendered.version, now):
            files = [
                signedconf.File(signedconf.SHARED, one, where, hashlib.sha512(rendered.shared[one]).digest())
                for one, where in _locations(rendered, self._instance).items()
            ]
            expires = datetime.fromtimestamp(now * _AGAIN_S + LIFE_S, UTC)
            told = signedconf.Directory(expires, sharedparams.VERSION, files)
            signer = self._signer
            body = signedconf.encode(told, signer.sign, signer.algorithm, signer.certificate)
            self._signed = (rendered.version, now, body)
        return body


def shared_params(
    directory: Directory, own: str, sources: tuple[Source, ...], authorities: tuple[Authority, ...]
) -> dict[str, SharedParams]:
    """What the tools are told of each instance in the directory; our own is always there."""
    by_instance: dict[str, list[Listed]] = {own: []}
    for one in directory.listed():
        by_instance.setdefault(one.id.instance, []).append(one)
    shared = {}
    for instance, listed in by_instance.items():
        servers = _servers(directory, [one.id for one in listed])
        ours = (authorities, sources) if instance == own else ((), ())
        shared[instance] = SharedParams(instance, listed, servers, *ours)
    return shared


def _render(version: str, own: str, params: Mapping[str, SharedParams]) -> _Rendered:
    shared = {instance: sharedparams.encode(told) for instance, told in params.items()}
    return _Rendered(version, shared, verification.encode(VerificationConf(own, shared)))


def _servers(directory: Directory, clients: list[ClientId]) -> list[Server]:
    """Each gateway once, with all that it serves. One whose owner is not listed is left out: nothing could name it."""
    found: dict[ServerId, tuple[Route, list[ClientId]]] = {}
    owners = {one.owner for one in clients}
    for client in clients:
        for route in directory.routes(client) if client.subsystem else ():
            if ClientId(route.server.instance, route.server.member_class, route.server.member) in owners:
                found.setdefault(route.server, (route, []))[1].append(client)
    return [
        Server(one, route.host, route.certificates, tuple(dict.fromkeys(own)), route.notice)
        for one, (route, own) in found.items()
    ]


def _locations(rendered: _Rendered, own: str) -> dict[str, str]:
    """Where each instance's file is: our own first, and where the collectors' expressions look for it."""
    others = sorted(one for one in rendered.shared if one != own)
    base = f"{FILES.decode()}{_number(rendered.version)}"
    return {
        own: f"{base}/shared-params.xml",
        **{one: f"{base}/{at}/shared-params.xml" for at, one in enumerate(others, 1)},
    }


def _number(version: str) -> str:
    if not version.isascii() or not version.isdecimal():
        raise Invalid.at("X-Directory-Version", "A directory's version is a decimal number.", status=500)
    return version


def _answer(body: bytes, kind: str, *fields: tuple[bytes, bytes]) -> Response:
    return Response(200, ((b"content-type", kind.encode("ascii")), *fields), body)
