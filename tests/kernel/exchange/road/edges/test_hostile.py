"""Whatever bytes come, the readers of the edge refuse them by name: no other error leaves them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.kernel.exchange.road.edges.test_container import ASIC, got, unzipped
from tests.kernel.exchange.road.edges.world import asked_for, text_of
from tests.wire.xroad.test_operations import asked
from tests.wire.xroad.test_sharedparams import PARAMS
from tests.wire.xroad.test_signedconf import EXAMPLE

from banyan.errors import Invalid, Problem
from banyan.kernel.exchange.road.edges import container, zipped
from banyan.kernel.exchange.road.edges.asic import wanted_of
from banyan.kernel.exchange.road.edges.asked import pairs
from banyan.kernel.exchange.road.edges.proving import Unproven, prove
from banyan.wire.tlog.note import Verifier
from banyan.wire.xroad import operations, sharedparams, signedconf

CUTS = st.tuples(st.integers(0, 20_000), st.integers(0, 40), st.binary(max_size=12))
"""At, how many bytes go, what comes instead."""


def cut(data: bytes, at: int, gone: int, put: bytes) -> bytes:
    at %= len(data)
    return data[:at] + put + data[at + gone :]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Verifier]]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    (answer,), keys = got(folder / "m", ASIC)
    return min(unzipped(text_of(answer)).values()), keys


@given(change=CUTS)
def test_a_container_cut_anywhere_is_refused_or_the_same(whole: tuple[bytes, list[Verifier]], change: object) -> None:
    data = cut(whole[0], *change)  # type: ignore[misc]
    try:
        found = prove(data, logs=whole[1])
    except (Unproven, Invalid):
        return
    assert zipped.unpack(data, container._KNOWN, 1 << 20) == zipped.unpack(whole[0], container._KNOWN, 1 << 20)
    assert found.message_id == "m-1"


@given(data=st.binary(max_size=300), name=st.sampled_from(sorted(container._TYPES)))
@example(data=b"\xff", name=container.SIGNATURE)
@example(data=b"HTTP/1.1 200\r\n\r\n", name=container.MESSAGE)
def test_any_member_is_refused(whole: tuple[bytes, list[Verifier]], data: bytes, name: str) -> None:
    members = unzipped(whole[0]) | {name: data}
    own = {one: content for one, content in members.items() if one in container._TYPES}
    members |= {container.DIGESTS: container._digests(own), container.MANIFEST: container._manifest(own)}
    with pytest.raises((Unproven, Invalid)):
        prove(zipped.pack(list(members.items())), logs=whole[1])


@given(change=CUTS)
def test_the_readers_of_the_fields_forms_refuse_by_name(change: object) -> None:
    for read, data in (
        (operations.parse, asked()),
        (sharedparams.parse, sharedparams.encode(PARAMS)),
        (lambda body: signedconf.parse(body, "multipart/related; boundary=envelopeboundary"), EXAMPLE),
    ):
        with suppress(Problem):
            read(cut(data, *change))  # type: ignore[misc]


@given(query=st.binary(max_size=60))
@example(query=b"queryId=a&xRoadInstance=b&memberClass=c&memberCode=d&unique&requestOnly")
@example(query=b"&".join([b"a"] * 100))
def test_any_query_is_understood_or_refused(query: bytes) -> None:
    with suppress(Invalid):
        assert wanted_of(pairs(asked_for(b"/asic?" + query))).message_id
