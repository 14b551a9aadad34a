"""Take pictures of docs/tour from the walks that tests/story proves.

.venv/bin/python tools/story_tour.py consent|road|ration|guard [FOLDER]

consent: who, why and proof; road: a call between two agencies; ration: from the counter to the draw; guard: fence,
warning, trace and travel flag under orders that end. Half a minute to three minutes each; needs Chromium, for the road
also curl and .venv-peers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.portal import browser  # noqa: E402
from tests.story import (  # noqa: E402
    consent_walk,
    guard_walk,
    nation,
    ration_nation,
    ration_walk,
    road_nation,
    road_walk,
    travel_walk,
)

OUT = ROOT / "docs/tour"
LARGEST_BYTES = 300_000
STORIES = {
    "consent": (nation.live_nation, consent_walk.walk),
    "road": (road_nation.live_federation, road_walk.walk),
    "ration": (ration_nation.live_up, ration_walk.walk),
    "guard": (travel_walk.live_visits, guard_walk.walk),
}


def main(story: str = "", out: str = str(OUT)) -> int:
    if story not in STORIES:
        print(f"story_tour: say which story, {' or '.join(STORIES)}", file=sys.stderr)
        return 2
    into = Path(out)
    into.mkdir(parents=True, exist_ok=True)

    def take(name: str, page: Any) -> None:
        path = into / f"{name}.png"
        page.screenshot(path=path)
        size = path.stat().st_size
        assert size <= LARGEST_BYTES, f"{path.name} has {size} bytes"
        print(f"{path.name}  {size:,} bytes")

    live, walk = STORIES[story]
    with TemporaryDirectory() as folder, live(Path(folder) / "data") as running, browser() as chromium:
        walk(chromium, running, take, Path(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
