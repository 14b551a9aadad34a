"""Starting a victim, killing it with -9 after a number of acknowledgements, and what it had said by then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VICTIM = Path(__file__).with_name("victim.py")
ROUNDS = 20
ALL_ROUNDS = 200


def acknowledged_before_kill(kind: str, folder: Path, *, after: int) -> list[tuple[int, str]]:
    """Let it run until `after` acknowledgements were read, kill it, and return all that it gave."""
    with subprocess.Popen(
        [sys.executable, VICTIM, kind, folder], stdout=subprocess.PIPE, env=os.environ | {"PYTHONWARNINGS": "error"}
    ) as victim:
        assert victim.stdout is not None
        said = b""
        while said.count(b"\n") < after:
            piece = os.read(victim.stdout.fileno(), 65_536)
            assert piece, "the victim died by itself"
            said += piece
        victim.kill()
        said += victim.stdout.read()
    # The last line may be cut by the kill: what was not wholly said was not said.
    lines = said.decode().split("\n")[:-1]
    return [(int(seq), name) for seq, name in map(str.split, lines)]
