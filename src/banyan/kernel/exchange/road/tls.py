"""TLS of the road. Between gateways: 1.3, both show a certificate, and the directory's fingerprint decides whose it is.

Python's TLS takes a client certificate only if it ends at one that is trusted here, so the certificates themselves, or
the authorities that issue them, are loaded as anchors; being trusted lets nobody in without the fingerprint. Keys are
in files, for the TLS library reads no others.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable
from pathlib import Path

import msgspec

from banyan.kernel.exchange.road.bundle import ALPN, HTTP
from banyan.kernel.exchange.road.strand import Strand


class Identity(msgspec.Struct, frozen=True):
    """A server's certificate with its chain, and its key: paths of PEM files."""

    certificate: Path
    key: Path


def fingerprint(der: bytes) -> bytes:
    """As a directory names a certificate."""
    return hashlib.sha256(der).digest()


def fingerprint_of_pem(pem: str) -> bytes:
    return fingerprint(ssl.PEM_cert_to_DER_cert(pem))


def shown(transport: asyncio.BaseTransport) -> bytes:
    """The fingerprint of what the other side shows; empty without TLS or without a certificate."""
    if isinstance(transport, Strand):
        bundle = transport.bundle
        bundle.certificate = bundle.certificate or shown(bundle.transport)
        return bundle.certificate
    of_tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    der = of_tls.getpeercert(binary_form=True) if of_tls is not None else None
    return fingerprint(der) if der else b""


class Contexts:
    """The gateway's TLS, both ways. A new certificate or anchor counts from the next handshake on."""

    def __init__(self, identity: Identity, anchors: Iterable[str]) -> None:
        self._identity = identity
        self._anchors = list(anchors)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.minimum_version = ssl.TLSVersion.TLSv1_3
        self.server.num_tickets = 0
        self.server.verify_mode = ssl.CERT_REQUIRED
        self.server.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        self.server.load_cert_chain(identity.certificate, identity.key)
        self.server.set_alpn_protocols([ALPN, HTTP])
        for pem in self._anchors:
            self.server.load_verify_locations(cadata=pem)
        self.client = self._new_client()

    def renew(self, identity: Identity) -> None:
        """Show another certificate. Connections in the pool that showed the old one are not used again."""
        self.server.load_cert_chain(identity.certificate, identity.key)
        self._identity = identity
        self.client = self._new_client()

    def trust(self, pem: str) -> None:
        """One more certificate, or authority, that peers may come with."""
        if pem not in self._anchors:
            self._anchors.append(pem)
            self.server.load_verify_locations(cadata=pem)
            self.client.load_verify_locations(cadata=pem)

    def _new_client(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.load_cert_chain(self._identity.certificate, self._identity.key)
        context.set_alpn_protocols([ALPN, HTTP])
        for pem in self._anchors:
            context.load_verify_locations(cadata=pem)
        return context


def edge_context(identity: Identity, clients: Iterable[str]) -> ssl.SSLContext:
    """For the gateway's own clients: they need no certificate; one that they show must be one of `clients` (PEM)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 0
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(identity.certificate, identity.key)
    for pem in clients:
        context.load_verify_locations(cadata=pem)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
