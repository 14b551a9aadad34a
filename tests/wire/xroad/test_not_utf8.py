"""Another gateway's JSON that is not UTF-8 is refused as any other that cannot be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from banyan.errors import Invalid
from banyan.wire.xroad import members, methods
from banyan.wire.xroad.faults import parse_error

READERS: list[tuple[Callable[[bytes], object], bytes]] = [
    (lambda body: parse_error(body, "application/json"), b'{"type":"\xff","message":"","detail":""}'),
    (lambda body: members.parse(body, "application/json"), b'{"member":[{"name":"\xe4\xb8"}]}'),
    (methods.parse, b'{"service":[{"service_code":"\xff"}]}'),
]


@pytest.mark.parametrize(("read", "body"), READERS, ids=["error", "members", "methods"])
def test_it_is_invalid(read: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body)
