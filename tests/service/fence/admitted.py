"""A node that follows the register and is killed at a named moment: `python admitted.py FOLDER NOW MOMENT`.

`use`: the case is committed, its use is not. `cursor`: both are, and how far the register was followed is not.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from tests.service.fence.test_arriving import SETTINGS, round_of
from tests.service.fence.world import a_world

from banyan import admitting
from banyan.kernel.ledger.log import Ledger


async def killed(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody comes back")


async def main(folder: Path, now: float, moment: str) -> None:
    async with a_world(folder, [now], settings=SETTINGS) as world:
        if moment == "use":
            Ledger.release = killed  # type: ignore[method-assign]
        else:
            admitting.was_admitted = killed  # type: ignore[attr-defined]
        await round_of(world)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
