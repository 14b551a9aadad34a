"""Run in .venv-proof: aics-tlog and aics-witness, others' verifier and witness, against a log or witness of ours.

aics_check.py log FOLDER VKEY QUORUM WITNESS-VKEY…   verify the checkpoint and audit every tile and entry
aics_check.py key                                    print the vkey of the log that `feed` makes
aics_check.py feed URL VKEY                          let our witness cosign their log as it grows, then roll it back
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from aics_tlog import (
    Checkpoint,
    FileSystemTileReader,
    MerkleTree,
    audit_tiles,
    format_vkey,
    parse_note,
    parse_vkey,
    sign_checkpoint,
    verify_checkpoint,
    vkey_from_ed25519,
)
from aics_witness.feeder import FeederError, WitnessAhead, WitnessClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "log.aics.example/demo"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)


def check_log(folder: str, vkey: str, quorum: str, *witnesses: str) -> str:
    note = parse_note((Path(folder) / "checkpoint").read_bytes())
    told = verify_checkpoint(note, parse_vkey(vkey), [parse_vkey(one) for one in witnesses], int(quorum))
    if not told.ok:
        sys.exit(f"checkpoint: {told.error}")
    report = audit_tiles(FileSystemTileReader(folder), told.size, told.root)
    return f"{told.size} entries, {report.tiles} tiles, {report.bundles} bundles, {told.cosignature_count} cosignatures"


def feed(url: str, vkey: str) -> str:
    tree: Any = MerkleTree()
    client = WitnessClient(url, vkey, max_attempts=1)
    notes = []
    for size in (1, 5, 300, 1_000):
        while len(tree) < size:
            tree.append(b"their entry %d" % len(tree))
        notes.append(sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), KEY, ORIGIN).to_bytes())
        client.submit(notes[-1], tree.consistency_proof)
    try:
        WitnessClient(url, vkey, max_attempts=1).submit(notes[1], tree.consistency_proof)
    except WitnessAhead:
        pass
    else:
        sys.exit("a log that was rolled back got a cosignature")
    fork: Any = MerkleTree(b"another entry %d" % number for number in range(1_200))
    forged = sign_checkpoint(Checkpoint(ORIGIN, 1_200, fork.root()), KEY, ORIGIN).to_bytes()
    try:
        client.submit(forged, fork.consistency_proof)
    except FeederError:
        return f"{len(notes)} cosigned"
    sys.exit("a forked log got a cosignature")


def main() -> None:
    verb, *words = sys.argv[1:]
    verbs = {"log": check_log, "feed": feed, "key": lambda: format_vkey(vkey_from_ed25519(ORIGIN, KEY.public_key()))}
    sys.stdout.write(f"{verbs[verb](*words)}\n")


if __name__ == "__main__":
    main()
