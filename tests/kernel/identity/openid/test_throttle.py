"""Failed sign-ins: an account, a network and the whole node have bounds, and a new window is a new start."""

from __future__ import annotations

import asyncio

from banyan.kernel.identity.openid.dpop import is_same_address
from banyan.kernel.identity.openid.throttle import buckets_of, count_failure, is_open, network_of
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits_identity import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK, SIGN_IN_WINDOW_S

KEY = bytes(32)
NOW = 1_795_438_800.0


def test_each_bucket_has_its_bound(identity_store: SchemaStore) -> None:
    def fail(account: str, network: str, times: int) -> None:
        buckets = buckets_of(KEY, account=account, network=network)

        def job(tx: Tx) -> None:
            for _ in range(times):
                count_failure(tx, buckets, NOW)

        asyncio.run(identity_store.write(job))

    def heard(account: str, network: str, now: float = NOW) -> bool:
        buckets = buckets_of(KEY, account=account, network=network)
        return asyncio.run(identity_store.read(lambda tx: is_open(tx, buckets, now)))

    fail("ann", "192.0.2.1", SIGN_IN_ACCOUNT - 1)
    assert heard("ann", "192.0.2.1")
    fail("ann", "192.0.2.2", 1)  # from elsewhere: it is the account that is tried
    assert not heard("ann", "192.0.2.3")
    assert heard("bob", "192.0.2.1")
    fail("", "2001:db8::1", SIGN_IN_NETWORK)
    assert not heard("bob", "2001:db8::ffff")  # the same household
    assert heard("bob", "2001:db8:0:1::1")
    assert heard("ann", "192.0.2.3", NOW + SIGN_IN_WINDOW_S)


def test_networks() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("not an address") == "not an address"


def test_htu_is_compared_as_addresses() -> None:
    here = "https://id.example/openid/token"
    same = ("https://id.example:443/openid/token", "HTTPS://ID.EXAMPLE/openid/token", here + "?a=b", here + "#f")
    assert all(is_same_address(one, here) for one in same)
    other = ("http://id.example/openid/token", here + "/", "https://id.example:444/openid/token", "", "https://[", "x")
    assert not any(is_same_address(one, here) for one in other)
    assert not is_same_address("https://u@id.example/openid/token", here)
