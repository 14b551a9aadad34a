"""Who speaks on the leg: the gateway by its certificate, the member by its signature, once, to us and nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from banyan.kernel.exchange.road.connection import Incoming
from banyan.kernel.exchange.road.desk import Desk
from banyan.kernel.exchange.road.faulting import of_signature
from banyan.kernel.exchange.road.nonces import Nonces
from banyan.wire.httpsig.errors import Refused
from banyan.wire.httpsig.message import Request
from banyan.wire.httpsig.peer import verify_request
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded

_SIDE: Final = Origin.SERVER_PROXY


class Verified(msgspec.Struct, frozen=True):
    request: Request
    keyid: str
    digests: Mapping[str, bytes]


class Verifying:
    """`authorities`: what this gateway is addressed as; a request for another could be one passed on to us."""

    def __init__(self, desk: Desk, nonces: Nonces) -> None:
        self._desk = desk
        self.nonces = nonces
        self.authorities: set[str] = set()

    def server_of(self, incoming: Incoming) -> ServerId:
        """Raises Fault: the directory has no gateway with this certificate."""
        server = self._desk.around.directory.server_of(incoming.certificate)
        if server is None:
            message = "The directory here has no gateway with the certificate that was shown."
            fix = "Publish the certificate in the directory, or wait until the directory has reached this gateway."
            raise Fault(_SIDE, Code.SSL_AUTH_FAILED, message=message, fix=fix)
        return server

    def verified(self, incoming: Incoming, server: ServerId, client: ClientId) -> Verified:
        """The head, signed by the member of `client`, by way of `server`. Raises Fault."""
        desk, head = self._desk, incoming.head
        now = desk.clock()
        if "signature" not in head.named and "signature-input" not in head.named:
            message, fix = "The message is not signed.", "Sign it by the member's key, in the profile of this road."
            raise Fault(_SIDE, Code.MISSING_SIGNATURE, message=message, field="signature", fix=fix)
        if head.host.lower() not in self.authorities:
            message, fix = "The message is for another gateway.", "Send it to the address that was signed."
            raise Fault(_SIDE, Code.INVALID_REQUEST, message=message, field="Host", fix=fix)
        request = Request(head.verb, head.host, head.target.decode("ascii"), head.named)
        directory = desk.around.directory
        try:
            accepted = verify_request(request, directory.keys, now)
        except Refused as error:
            raise of_signature(error, _SIDE) from error
        if directory.signer(accepted.keyid) != client.owner:
            message, fix = "X-Road-Client is not the member that signed.", "Sign by the key of the member that asks."
            raise Fault(_SIDE, Code.INCONSISTENT_HEADERS, message=message, field="X-Road-Client", fix=fix)
        if not directory.serves(server, client.owner):
            message = f"The gateway {encoded(server)} does not speak for the member in X-Road-Client."
            fix = "Register the gateway for the member in the directory."
            raise Fault(_SIDE, Code.SSL_AUTH_FAILED, message=message, field="X-Road-Client", fix=fix)
        if not directory.is_known(client):
            message, fix = "The directory has no such client, or it was revoked.", "Register it in the directory."
            raise Fault(_SIDE, Code.UNKNOWN_MEMBER, message=message, field="X-Road-Client", fix=fix)
        if not self.nonces.take(accepted.keyid, accepted.nonce, accepted.created, now):
            message, fix = "The message came before, or may have.", "Sign it anew, with another nonce."
            fault = Fault(_SIDE, Code.INVALID_REQUEST, message=message, field="nonce", fix=fix)
            fault.status = 409
            raise fault
        said = head.named["x-directory-version"][0]
        if desk.around.seen is not None and said != directory.version:
            desk.around.seen(server, said)
        return Verified(request, accepted.keyid, accepted.digests)
