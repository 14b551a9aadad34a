"""The keys by which others check a gateway's log: two that sign it, and one by which it witnesses theirs."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.ledger.keys import LedgerKeys
from banyan.wire.tlog.checkpoint import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, verifier_of
from banyan.wire.tlog.note import ED25519, BadNote, Verifier, parse_verifier_key

SHEET_BYTES: Final = 8_192
"""Three keys, one of 1,312 bytes in base64."""


class KeySheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /log/keys` answers."""

    origin: str
    log: tuple[str, str]
    """Ed25519, ML-DSA-44."""
    witness: str

    @property
    def verifiers(self) -> tuple[Verifier, Verifier]:
        return verifier_of(self.log[0]), verifier_of(self.log[1])

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def sheet_of(keys: LedgerKeys) -> KeySheet:
    return KeySheet(keys.origin, keys.vkeys, keys.witness_vkey)


def parse_sheet(data: bytes) -> KeySheet:
    """Raises BadNote: not the keys of one log and its witness."""
    if len(data) > SHEET_BYTES:
        raise BadNote(f"a sheet of keys has at most {SHEET_BYTES} bytes")
    try:
        sheet = msgspec.json.decode(data, type=KeySheet)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadNote("no sheet of keys") from error
    wanted = ((sheet.log[0], sheet.origin, ED25519), (sheet.log[1], sheet.origin, COSIGNATURE_ML_DSA_44))
    for vkey, name, kind in (*wanted, (sheet.witness, f"{sheet.origin}/witness", COSIGNATURE_ED25519)):
        known, found, _ = parse_verifier_key(vkey)
        verifier_of(vkey)
        if (known, found) != (name, kind):
            raise BadNote(f"{vkey[:60]} is not the key of {name} that is looked for")
    return sheet
