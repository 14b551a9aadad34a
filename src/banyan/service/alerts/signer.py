"""The key that signs CAP documents, as the composition root lends it."""

from __future__ import annotations

import msgspec
from cryptography import x509

from banyan.wire.cap import signing


class Signer(msgspec.Struct, frozen=True):
    """This node's key, and its certificates: those of older keys too, so that what they signed stays good."""

    key: signing.Key
    certificates: tuple[x509.Certificate, ...]
    """The newest, which is the key's, last."""

    @property
    def newest(self) -> x509.Certificate:
        return self.certificates[-1]
