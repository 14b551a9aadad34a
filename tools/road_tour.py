"""Take the pictures of docs/tour that show the road between agencies, from the walk that tests/story proves.

.venv/bin/python tools/road_tour.py          # about half a minute; needs Chromium, curl and .venv-peers
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.portal import browser  # noqa: E402
from tests.story.road_nation import live_federation  # noqa: E402
from tests.story.road_walk import walk  # noqa: E402

OUT = ROOT / "docs/tour"
LARGEST_BYTES = 300_000


def main(out: Path = OUT) -> int:
    out.mkdir(parents=True, exist_ok=True)

    def take(name: str, page: Any) -> None:
        path = out / f"{name}.png"
        page.screenshot(path=path)
        size = path.stat().st_size
        assert size <= LARGEST_BYTES, f"{path.name} has {size} bytes"
        print(f"{path.name}  {size:,} bytes")

    with TemporaryDirectory() as folder, live_federation(Path(folder) / "data") as nation, browser() as chromium:
        walk(chromium, nation, take, Path(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*(Path(one) for one in sys.argv[1:])))
