"""Keys of days: what a crash within their destruction leaves is destroyed all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from banyan.kernel.exchange.messages.daykeys import DayKeys


def test_a_key_that_a_crash_left_half_destroyed_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are zeros by then: reading by it would say that somebody had changed the records."""
    keys = DayKeys(tmp_path, random=os.urandom)
    sealed = keys.seal(5, b"record", b"about")

    def crash(path: Path) -> None:
        raise KeyboardInterrupt(path)

    with monkeypatch.context() as crashing:
        crashing.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            keys.destroy(5)
    assert (tmp_path / "5.key").read_bytes() == bytes(32)
    again = DayKeys(tmp_path, random=os.urandom)
    assert again.unseal(5, sealed, b"about") is None
    assert again.due(6) == [5]
    again.destroy(5)
    again.told(5)
    assert list(tmp_path.iterdir()) == []
