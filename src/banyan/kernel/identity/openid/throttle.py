"""Failed sign-ins are counted by account, by network and over all; over a bound nobody is told more than "later".

The buckets are keyed hashes: the table says neither who was tried nor from where. Source: NIST SP 800-63B s5.2.2,
OWASP ASVS 5.0 V6.3.1.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.records import SQL
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import (
    SIGN_IN_ACCOUNT,
    SIGN_IN_ALL,
    SIGN_IN_NETWORK,
    SIGN_IN_WINDOW_S,
)

Buckets = Sequence[tuple[str, int]]


def buckets_of(key: bytes, *, account: str, network: str) -> Buckets:
    """The buckets of an attempt, with their bounds. `account` is what was typed, existing or not; empty: none named."""
    named = [("all", "", SIGN_IN_ALL), ("network", network_of(network), SIGN_IN_NETWORK)]
    if account:
        named.append(("account", account, SIGN_IN_ACCOUNT))
    return [(f"{kind} {_keyed(key, kind, value)}", bound) for kind, value, bound in named]


def network_of(address: str) -> str:
    """An address; of IPv6 the /64, which is one household."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> 64) if isinstance(parsed, IPv6Address) else str(parsed)


def is_open(tx: Tx, buckets: Buckets, now: float) -> bool:
    """Whether another attempt is heard."""
    window = int(now // SIGN_IN_WINDOW_S)
    for bucket, bound in buckets:
        row = tx.row(SQL["failures"], bucket=bucket, at_window=window)
        if row is not None and int(str(row[0])) >= bound:
            return False
    return True


def count_failure(tx: Tx, buckets: Buckets, now: float) -> None:
    window = int(now // SIGN_IN_WINDOW_S)
    tx.run(SQL["sweep_failures"], at_window=window)
    for bucket, _ in buckets:
        tx.run(SQL["count_failure"], bucket=bucket, at_window=window)


def _keyed(key: bytes, kind: str, value: str) -> str:
    return encoded(hmac.digest(key, f"throttle\0{kind}\0{value}".encode(), sha256)[:18])
