"""How thoroughly a costly property is asked."""

from __future__ import annotations

import os


def examples(few: int, many: int) -> int:
    """`few` examples by default, `many` by ./banyan test --all: hypothesis draws others at each run, so what fails on
    one in a hundred is found within a few runs either way."""
    return many if os.environ.get("BANYAN_TEST_ALL") else few
