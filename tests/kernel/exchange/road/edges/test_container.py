"""The signed container, over a real message log: it holds offline, and nothing in it can be changed."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.kernel.exchange.road.edges.exchanges import ASKED, TOLD, a_log, an_exchange, key_of
from tests.kernel.exchange.road.edges.world import CARE, asked_for, field_of, text_of

from banyan.errors import Invalid
from banyan.kernel.exchange.messages.opening import Opened
from banyan.kernel.exchange.road.edges import container, zipped
from banyan.kernel.exchange.road.edges.asic import Containers
from banyan.kernel.exchange.road.edges.proving import Proven, Unproven, prove
from banyan.kernel.exchange.road.edges.seams import Archived
from banyan.kernel.exchange.road.model import Exchanged, Request, Response
from banyan.limits_road import EDGES_DOWNLOADS
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import Verifier
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId

ASIC = b"/asic?queryId=m-1&xRoadInstance=TW&memberClass=GOV&memberCode=nhi&subsystemCode=care"


def anyone(request: Request, client: ClientId) -> None:
    """Every caller may speak for every client."""


def got(
    folder: Path, *targets: bytes, kept: tuple[Exchanged, ...] = (an_exchange(),), is_published: bool = True
) -> tuple[list[Response], list[Verifier]]:
    """The page's answers over a log with these exchanges, and the log's keys."""

    async def run() -> tuple[list[Response], list[Verifier]]:
        async with a_log(folder) as opened:
            for one in kept:
                await opened.messages.keep(one)
            if is_published:
                await opened.messages.publish()
            page = Containers(opened.messages, key_of, anyone)
            return [await page(asked_for(target)) for target in targets], _keys(opened)

    return asyncio.run(run())


def _keys(opened: Opened) -> list[Verifier]:
    return [verifier_of(one) for one in opened.keys.vkeys]


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[Verifier]]:
    """The two containers of one exchange, by `request` and `response`, and the log's keys."""
    (answer,), keys = got(tmp_path_factory.mktemp("log") / "m", ASIC)
    assert answer.status == 200
    assert field_of(answer, b"content-type") == "application/zip"
    assert field_of(answer, b"content-disposition") == 'attachment; filename="m-1.zip"'
    found = unzipped(text_of(answer))
    return {name.split("-")[2]: content for name, content in found.items()}, keys


def proven(data: bytes, keys: list[Verifier]) -> Proven:
    return prove(data, logs=keys, key_of=key_of)


def test_both_messages_hold_by_the_directorys_keys_and_by_their_own(
    both: tuple[dict[str, bytes], list[Verifier]],
) -> None:
    containers, keys = both
    assert sorted(containers) == ["request", "response"]
    for kind, status in (("request", 0), ("response", 200)):
        found = proven(containers[kind], keys)
        assert (found.kind, found.status, found.message_id) == (kind, status, "m-1")
        assert (found.client, found.service) == ("TW/GOV/nhi/care", "TW/GOV/nia/border/travel")
        assert found.keyid.startswith("TW/GOV/nhi#" if kind == "request" else "TW/GOV/nia#")
        assert found.has_body
        assert found.is_pinned
        assert not prove(containers[kind], logs=keys).is_pinned


def test_it_is_shaped_as_asic_e_and_shows_the_message(both: tuple[dict[str, bytes], list[Verifier]]) -> None:
    with zipfile.ZipFile(io.BytesIO(both[0]["request"])) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
        assert archive.read(first) == b"application/vnd.etsi.asic-e+zip"
        message = archive.read("message.http")
    assert both[0]["request"][30:].startswith(b"mimetypeapplication/vnd.etsi.asic-e+zip")
    assert message.startswith(b"POST /r1/TW/GOV/nia/border/travel/flag?q=1 HTTP/1.1\r\nhost: gw1.nia.example:5500\r\n")
    assert message.endswith(b"\r\n\r\n" + ASKED)
    answer = unzipped(both[0]["response"])
    assert answer["message.http"].endswith(b"\r\n\r\n" + TOLD)
    assert answer["request.http"] == message.removesuffix(ASKED).replace(b"content-length: 21\r\n", b"")


def test_the_same_exchange_is_the_same_bytes(tmp_path: Path) -> None:
    (first, second), _ = got(tmp_path / "m", ASIC, ASIC)
    assert text_of(first) == text_of(second)


def repacked(data: bytes, member: str, change: Callable[[bytes], bytes], *, is_sealed: bool = True) -> bytes:
    """The container with one member changed; sealed: with all that can be computed anew made to fit again."""
    members = unzipped(data)
    assert change(members[member]) != members[member]
    members[member] = change(members[member])
    if is_sealed and member == container.MESSAGE:
        with suppress(Invalid):
            members[container.BASE] = container._base(container._parsed(members[member], member)[0], None)
    own = {name: content for name, content in members.items() if name in container._TYPES}
    if is_sealed:
        members[container.DIGESTS] = container._digests(own)
    return zipped.pack(list(members.items()))


TAMPERING: list[tuple[str, str, bytes, bytes]] = [
    ("the body", "message.http", b"A123456789", b"A123456780"),
    ("the path", "message.http", b"flag?q=1", b"flag?q=2"),
    ("who asks", "message.http", b"X-Road-Client: TW/GOV/nhi/care", b"X-Road-Client: TW/GOV/nhi/cure"),
    ("a field more", "message.http", b"\r\n\r\n", b"\r\nx-road-userid: eve\r\n\r\n"),
    ("its length", "message.http", b"content-length: 21", b"content-length: 20"),
    ("the leaf", "META-INF/entry.json", b'"outcome":"answered"', b'"outcome":"faulted!"'),
    ("the receipt", "META-INF/receipt.tlog-proof", b"index 1", b"index 0"),
    ("the copy of the checkpoint", "META-INF/checkpoint", b"\n", b"\n\n"),
    ("the copy of the signature", "META-INF/signature.txt", b"gw=", b"gx="),
    ("the copy of the base", "META-INF/signature-base.txt", b"POST", b"PUT"),
    ("the key", "META-INF/keys.json", b"TW/GOV/nhi", b"TW/GOV/nia"),
]


@pytest.mark.parametrize(("member", "old", "new"), [one[1:] for one in TAMPERING], ids=[one[0] for one in TAMPERING])
def test_what_was_changed_does_not_hold(
    both: tuple[dict[str, bytes], list[Verifier]], member: str, old: bytes, new: bytes
) -> None:
    containers, keys = both
    data = containers["request"]
    for is_sealed in (True, False):
        with pytest.raises((Unproven, Invalid)):
            prove(repacked(data, member, lambda text: text.replace(old, new, 1), is_sealed=is_sealed), logs=keys)


def test_each_bit_of_a_container_counts(both: tuple[dict[str, bytes], list[Verifier]]) -> None:
    """One flipped bit in each member's content, the manifests' too."""
    containers, keys = both
    data = bytearray(containers["response"])
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        starts = {one.filename: one.header_offset + 30 + len(one.filename) for one in archive.infolist()}
    for name, start in starts.items():
        changed = bytearray(data)
        changed[start + 3] ^= 0x04
        with pytest.raises((Unproven, Invalid)):
            prove(bytes(changed), logs=keys, key_of=key_of)
        assert name


def test_a_leaf_of_another_message_does_not_fit(tmp_path: Path) -> None:
    """Two exchanges, each provable; the message of one with the leaf and receipt of the other proves nothing."""
    kept = (an_exchange(1), an_exchange(2))
    (answer,), keys = got(tmp_path / "m", ASIC + b"&requestOnly", kept=kept)
    one, other = map(unzipped, unzipped(text_of(answer)).values())
    members = {**one, **{name: other[name] for name in (container.ENTRY, container.RECEIPT, container.CHECKPOINT)}}
    own = {name: content for name, content in members.items() if name in container._TYPES}
    members[container.DIGESTS] = container._digests(own)
    with pytest.raises(Unproven, match="another message"):
        prove(zipped.pack(list(members.items())), logs=keys)


def test_another_logs_keys_and_a_missing_witness_do_not_do(
    both: tuple[dict[str, bytes], list[Verifier]], tmp_path: Path
) -> None:
    containers, keys = both
    _, others = got(tmp_path / "other", ASIC)
    for logs, quorum in ((others, 0), ([], 0), (keys, 1)):
        with pytest.raises(Unproven):
            prove(containers["request"], logs=logs, quorum=quorum)


def test_a_directory_that_no_longer_knows_the_key_refuses_it(both: tuple[dict[str, bytes], list[Verifier]]) -> None:
    containers, keys = both
    with pytest.raises(Unproven):
        prove(containers["request"], logs=keys, key_of=lambda keyid: None)


def test_bodies_that_were_not_kept_are_left_out(tmp_path: Path) -> None:
    (answer,), keys = got(tmp_path / "m", ASIC + b"&responseOnly&unique", kept=(an_exchange(keep_bodies_s=0.0),))
    found = proven(text_of(answer), keys)
    assert not found.has_body
    assert unzipped(text_of(answer))["message.http"].endswith(b"\r\n\r\n")


def test_one_document_alone(tmp_path: Path) -> None:
    (answer,), keys = got(tmp_path / "m", ASIC + b"&requestOnly&unique")
    assert field_of(answer, b"content-type") == "application/vnd.etsi.asic-e+zip"
    assert field_of(answer, b"content-disposition").startswith('attachment; filename="m-1-request-')
    assert field_of(answer, b"content-disposition").endswith('.asice"')
    assert proven(text_of(answer), keys).kind == "request"


def test_an_id_that_comes_twice_is_not_unique(tmp_path: Path) -> None:
    kept = (an_exchange(1), an_exchange(2))
    answers, _ = got(tmp_path / "m", ASIC + b"&requestOnly&unique", ASIC + b"&requestOnly", kept=kept)
    assert [one.status for one in answers] == [400, 200]
    assert len(unzipped(text_of(answers[1]))) == 2


def test_both_sides_in_one_log_are_one_document(tmp_path: Path) -> None:
    kept = (an_exchange(1), an_exchange(1, role="provider"))
    (answer,), _ = got(tmp_path / "m", ASIC + b"&requestOnly", kept=kept)
    assert len(unzipped(text_of(answer))) == 1


def test_what_no_checkpoint_covers_waits_or_is_forced(tmp_path: Path) -> None:
    answers, keys = got(tmp_path / "m", ASIC, ASIC + b"&force", is_published=False)
    assert [one.status for one in answers] == [404, 200]
    assert b"have not been timestamped yet" in text_of(answers[0])
    for content in unzipped(text_of(answers[1])).values():
        assert proven(content, keys)


def test_a_call_that_was_refused_has_only_its_request(tmp_path: Path) -> None:
    kept = (an_exchange(answer=None, answer_body=None, status=0, fault="Server.ServerProxy.NetworkError"),)
    answers, _ = got(tmp_path / "m", ASIC, ASIC + b"&responseOnly", kept=kept)
    assert [one.status for one in answers] == [200, 404]


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"?queryId=m-1",
        b"?queryId=&xRoadInstance=TW&memberClass=GOV&memberCode=nhi",
        b"?queryId=m-1&queryId=m-2&xRoadInstance=TW&memberClass=GOV&memberCode=nhi",
        ASIC[5:] + b"&requestOnly&responseOnly",
        ASIC[5:] + b"&unique",
        ASIC[5:] + b"&other",
        b"?queryId=%ff&xRoadInstance=TW&memberClass=GOV&memberCode=nhi",
    ],
)
def test_a_wrong_query_is_400(tmp_path: Path, query: bytes) -> None:
    (answer,), _ = got(tmp_path / "m", b"/asic" + query)
    assert answer.status == 400
    assert field_of(answer, b"content-type") == "text/plain; charset=utf-8"


def test_nothing_of_others_and_nothing_unknown_is_404(tmp_path: Path) -> None:
    others = ASIC.replace(b"nhi", b"cdc")
    answers, _ = got(tmp_path / "m", others, ASIC.replace(b"m-1", b"m-9"))
    assert [one.status for one in answers] == [404, 404]


@pytest.mark.parametrize(("code", "status"), [(Code.SSL_AUTH_FAILED, 401), (Code.UNKNOWN_MEMBER, 500)])
def test_who_may_not_speak_for_the_client_gets_nothing(tmp_path: Path, code: Code, status: int) -> None:
    def nobody(request: Request, client: ClientId) -> None:
        assert client == CARE
        raise Fault(Origin.CLIENT_PROXY, code, message="No.")

    async def run() -> Response:
        async with a_log(tmp_path / "m") as opened:
            await opened.messages.keep(an_exchange())
            return await Containers(opened.messages, key_of, nobody)(asked_for(ASIC))

    assert asyncio.run(run()).status == status


def test_a_foreign_zip_is_no_container() -> None:
    def compressed() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", b"0" * 1_000)
        return out.getvalue()

    for data in (b"", b"PK", zipped.pack([("mimetype", b"text/plain")]), zipped.pack([("other", b"")]), compressed()):
        with pytest.raises(Invalid):
            container.decode(data)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("kind", ["request", "response"])
def test_openssl_checks_the_signature_with_what_is_inside(
    both: tuple[dict[str, bytes], list[Verifier]], tmp_path: Path, kind: str
) -> None:
    """Nothing of ours: unpack, turn r and s into DER, ask OpenSSL about the bytes of signature-base.txt."""
    members = unzipped(both[0][kind])
    (key,) = json.loads(members["META-INF/keys.json"])
    told = re.search(rb"signature: gw=:([^:]+):", members["META-INF/signature.txt"])
    assert told
    raw = base64.b64decode(told[1])
    (tmp_path / "key.der").write_bytes(base64.b64decode(key["public"]))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    (tmp_path / "signature.der").write_bytes(der)
    command = ["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "key.der", "-signature", "signature.der"]
    for change, code in ((b"", 0), (b" ", 1)):
        (tmp_path / "base").write_bytes(members["META-INF/signature-base.txt"] + change)
        found = subprocess.run([*command, "base"], cwd=tmp_path, capture_output=True, check=False)
        assert found.returncode == code, found.stderr


def test_few_downloads_are_put_together_at_once(tmp_path: Path) -> None:
    """Ten ask together: never more than EDGES_DOWNLOADS are in the archive."""

    async def run() -> tuple[list[int], int]:
        async with a_log(tmp_path / "m") as opened:
            await opened.messages.keep(an_exchange())
            await opened.messages.publish()
            inside, most = 0, 0

            class Counted:
                async def find(self, message_id: str, client: ClientId, at_most: int) -> Sequence[Archived]:
                    nonlocal inside, most
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0)
                    found = await opened.messages.find(message_id, client, at_most)
                    inside -= 1
                    return found

                async def prove(self, xid: str, role: str) -> Archived | None:
                    return await opened.messages.prove(xid, role)

            page = Containers(Counted(), key_of, anyone)
            answers = await asyncio.gather(*(page(asked_for(ASIC)) for _ in range(10)))
            return [answer.status for answer in answers], most

    statuses, most = asyncio.run(run())
    assert statuses == [200] * 10
    assert most == EDGES_DOWNLOADS
