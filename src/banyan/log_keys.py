"""The keys of a log and of its witnesses as a command is given them: in words, and as a file of one a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from banyan.errors import Invalid
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import BadNote, Verifier

KEYS_FILE: Final = "log.vkeys"


def log_keys(told: Sequence[str], file: Path | None) -> list[Verifier]:
    """Raises Invalid when there are none, for one that is no key, and for a file that cannot be read."""
    logs = [_key(text) for text in (*told, *_kept(file))]
    if not logs:
        raise Invalid.at("--log", f"name the log's keys (they stand on its transparency page and in {KEYS_FILE})")
    return logs


def witness_keys(told: Sequence[str]) -> list[Verifier]:
    return [_key(text) for text in told]


def _kept(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.at("--keys", f"{path} cannot be read") from error


def _key(text: str) -> Verifier:
    try:
        return verifier_of(text.strip())
    except BadNote as error:
        raise Invalid.at("--log", f"{text[:40]}… is no key: {error}") from error
