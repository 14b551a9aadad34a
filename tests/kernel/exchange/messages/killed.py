"""Run as a process to be killed: keeps exchanges without end and says each that is kept; publishes all the time.

python killed.py FOLDER FIRST
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from tests.kernel.exchange.messages.house import BORDER, HOSPITAL, Held, exchanged

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.messages.opening import open_messages


async def main(folder: Path, first: int) -> None:
    numbers = count(first)

    def now() -> EpochS:
        return EpochS(time.time())

    async with open_messages(
        folder, origin="killed/road", members=[HOSPITAL, BORDER.provider], clock=now, random=os.urandom
    ) as opened:
        published: set[bytes] = set()

        async def caller(place: int) -> None:
            for number in numbers:
                large = Held(os.urandom(70_000)) if number % 50 == 0 else Held(b"small")
                await opened.messages.keep(
                    exchanged(number, at=now(), request_body=large, keep_bodies_s=86_400.0 * (number % 3))
                )
                os.write(1, b"kept %d %d\n" % (number, place))

        async def publisher() -> None:
            while True:
                await opened.messages.publish()
                if (signed := opened.messages.published.signed) not in published:
                    published.add(signed)
                    os.write(1, b"published %s\n" % b"|".join(signed.split(b"\n")[1:3]))
                await asyncio.sleep(0.01)

        await asyncio.gather(publisher(), *(caller(place) for place in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
