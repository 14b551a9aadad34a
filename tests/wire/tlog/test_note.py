"""Signed notes, checkpoints, tiles and receipts against the vectors of Go, C2SP, Tessera and litewitness."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Checkpoint,
    Ed25519Cosigner,
    MlDsa44Cosigner,
    cosign_ed25519,
    cosign_ml_dsa_44,
    parse_text,
    signed_at,
    verifier_of,
)
from banyan.wire.tlog.merkle import Unproven, inclusion_proof, leaf_hash, node_hash, root_of
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import Receipt, parse_add_checkpoint, parse_receipt, verify_receipt
from banyan.wire.tlog.tiles import Tile, decode_bundle, encode_bundle, parse_path, tiles_of

LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PQ = MLDSA44PrivateKey.from_seed_bytes(bytes(range(2, 34)))
ORIGIN = "log.banyan.example/tw"


def vectors() -> dict[str, Any]:
    return json.loads(shared_data("exchange/note/note_vectors.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_notes_of_go() -> None:
    known = vectors()
    keys = {name: verifier_of(vkey) for name, vkey in known["verifier_keys"].items()}
    for case in known["cases"]:
        trusted = [keys[name] for name in case["keys"]]
        if not case["ok"]:
            with pytest.raises(BadNote):
                note.opened(case["note"].encode(), trusted)
            continue
        good, rest = note.verified(note.opened(case["note"].encode(), trusted), trusted)
        assert [one.name for one in good] == case["verified"]
        assert [one.name for one in rest] == case["unverified"]


def test_we_sign_as_go_does() -> None:
    known = vectors()
    secret = base64.b64decode(known["signer_key_peter"].split("+", 4)[4])
    signer = note.Ed25519Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(secret[1:]))
    assert signer.sign(known["text"]).line == known["peter_sig"]
    assert note.verifier_key("PeterNeumann", note.ED25519, signer.verifier.key) == known["verifier_keys"]["peter"]


@pytest.mark.parametrize("place", [0, 1])
def test_bad_verifier_keys_of_go(place: int) -> None:
    with pytest.raises(BadNote):
        verifier_of(vectors()["bad_vkeys"][place])


def test_the_example_of_c2sp() -> None:
    example = vectors()["c2sp_example"]
    assert note.opened(example["note"].encode(), [verifier_of(example["vkey"])]).text == "This is an example message.\n"


def test_record_hash_and_tile_paths_of_go() -> None:
    known = vectors()
    assert base64.b64encode(leaf_hash(known["record_hash"]["data"].encode())).decode() == known["record_hash"]["base64"]
    assert parse_path("tile/0/x003/x057/500") == Tile(0, 3_057_500)
    assert parse_path("tile/entries/x001/x234/067.p/9") == Tile(None, 1_234_067, 9)
    for path in ("tile/0/5/123", "tile/0/-01", "tile/0/001.p/0", "tile/0/001.p/257", "tile/64/000", "tile/0/x000/001"):
        assert parse_path(path) is None


def test_the_log_of_tessera() -> None:
    folder = shared_data("exchange/tessera_log/checkpoint").parent
    verifier = verifier_of((folder / "vkey").read_text(encoding="utf-8").strip())
    entries = decode_bundle((folder / "tile/entries/000.p/15").read_bytes())
    assert encode_bundle(entries) == (folder / "tile/entries/000.p/15").read_bytes()
    hashes = [leaf_hash(entry) for entry in entries]
    assert b"".join(hashes) == (folder / "tile/0/000.p/15").read_bytes()

    def read(level: int, index: int) -> bytes:
        return hashes[index] if level == 0 else node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    for size in range(16):
        opened = note.opened((folder / f"checkpoint.{size}").read_bytes(), [verifier])
        assert parse_text(opened.text) == Checkpoint("example.com/log/testdata", size, root_of(size, read))


def test_checkpoints_of_litewitness_and_of_the_go_project() -> None:
    known = json.loads(shared_data("exchange/witness/litewitness_exchanges.json").read_text(encoding="utf-8"))
    sumdb = verifier_of(known["trusted"]["sum.golang.org database tree".replace("sum.golang.org", "go.sum")])
    opened = 0
    for exchange in known["exchanges"]:
        asked = parse_add_checkpoint(exchange["body"].encode())
        assert asked.encode() == exchange["body"].encode()
        parsed, checkpoint = asked.opened()
        if checkpoint.origin == "go.sum database tree":
            note.opened(note.written(parsed.text, parsed.signatures), [sumdb])
            opened += 1
    assert opened >= 1


def a_checkpoint(leaves: int = 5) -> tuple[Checkpoint, Any]:
    hashes = [leaf_hash(b"%d" % number) for number in range(leaves)]

    def read(level: int, index: int) -> bytes:
        return hashes[index] if level == 0 else node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return Checkpoint(ORIGIN, leaves, root_of(leaves, read)), read


def a_receipt() -> tuple[Receipt, list[note.Verifier], list[note.Verifier]]:
    checkpoint, read = a_checkpoint()
    text = checkpoint.text
    signatures = [
        note.Ed25519Signer(ORIGIN, LOG).sign(text),
        cosign_ml_dsa_44(ORIGIN, PQ, text, 1_790_000_000),
        cosign_ed25519("witness.example/w1", WITNESS, text, 1_790_000_001),
    ]
    receipt = Receipt(3, tuple(inclusion_proof(3, 5, read)), note.written(text, signatures), b"salt")
    logs: list[note.Verifier] = [
        note.Ed25519Verifier(ORIGIN, LOG.public_key().public_bytes_raw()),
        MlDsa44Cosigner(ORIGIN, PQ.public_key().public_bytes_raw()),
    ]
    return receipt, logs, [Ed25519Cosigner("witness.example/w1", WITNESS.public_key().public_bytes_raw())]


def test_a_receipt_is_checked_offline() -> None:
    receipt, logs, witnesses = a_receipt()
    assert parse_receipt(receipt.encode()) == receipt
    found = verify_receipt(receipt, b"3", logs=logs, witnesses=witnesses, quorum=1)
    assert found.size == 5
    assert signed_at(note.parse(receipt.checkpoint).signatures[2]) == 1_790_000_001
    with pytest.raises(BadNote, match="witnesses"):
        verify_receipt(receipt, b"3", logs=logs, witnesses=witnesses, quorum=2)
    with pytest.raises(Unproven):
        verify_receipt(receipt, b"4", logs=logs, witnesses=witnesses, quorum=1)
    stranger = note.Ed25519Verifier(ORIGIN, WITNESS.public_key().public_bytes_raw())
    with pytest.raises(BadNote, match="did not sign"):
        verify_receipt(receipt, b"3", logs=[stranger], witnesses=witnesses, quorum=1)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bit_of_a_receipt_can_be_flipped(data: st.DataObject) -> None:
    receipt, logs, witnesses = a_receipt()
    whole = bytearray(receipt.encode())
    authenticated = whole.index(b"index ")  # the extra line before it is not, by the specification
    place = data.draw(st.integers(authenticated, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((BadNote, Unproven)):
        verify_receipt(parse_receipt(bytes(whole)), b"3", logs=logs, witnesses=witnesses, quorum=1)


def test_vkeys_of_every_type_go_round() -> None:
    for kind, key in (
        (note.ED25519, LOG.public_key().public_bytes_raw()),
        (COSIGNATURE_ED25519, LOG.public_key().public_bytes_raw()),
        (COSIGNATURE_ML_DSA_44, PQ.public_key().public_bytes_raw()),
    ):
        verifier = verifier_of(note.verifier_key(ORIGIN, kind, key))
        assert verifier.key_id == note.key_id(ORIGIN, kind, key)


def test_the_tiles_a_log_writes_last() -> None:
    assert [one.path for one in tiles_of(70_000)] == [
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    ]  # fmt: skip
    assert [one.path for one in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert tiles_of(0) == []


@given(st.binary(max_size=300))
def test_nothing_crashes_a_parser(data: bytes) -> None:
    for parse in (note.parse, parse_receipt, parse_add_checkpoint):
        try:
            parse(data)
        except BadNote:
            continue
