"""A process that sends SMS, killed again and again at random moments of its sending; what telephones then have."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.craft.notify.tools import a_simulator, number

from banyan.craft.notify.phones import Phones

ROOT = Path(__file__).parents[3]
WINDOW = 40
"""Messages that the processes' binds may have without answer: so many may be sent twice after a kill."""
Heard = Callable[[int, bytes], None]
"""`heard(at, line)`: the first line of the process's `at`-th life; it asserts."""


async def begin(script: Path, *given: object) -> asyncio.subprocess.Process:
    """Its first line says that what it was asked is durable."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(script), *map(str, given), stdout=asyncio.subprocess.PIPE, env=environment
    )


async def end(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def kill_again_and_again(
    script: Path, given: Callable[[int, int], Sequence[object]], heard: Heard, *, count: int, kills: int, seed: int
) -> bytes:
    """`given(port, at)` is what the script's `at`-th life is given. The last one lives to its end; what it said then.
    Everybody of `count` was told, and twice at most a window's for each kill."""
    random = Random(seed)
    counted: Counter[str] = Counter()
    async with a_simulator() as smsc:
        smsc.phones = Phones(on_part=lambda to, reference, part: counted.update([to]))
        for at in range(kills):
            process = await begin(script, *given(smsc.port, at))
            assert process.stdout is not None
            heard(at, await process.stdout.readline())
            goal = smsc.submits + random.randrange(1, count // kills)
            while smsc.submits < goal and process.returncode is None:
                await asyncio.sleep(0.001)
            assert process.returncode is None, "it is killed while it sends"
            await end(process)
        process = await begin(script, *given(smsc.port, kills))
        said, _ = await process.communicate()
    assert set(counted) == {number(one) for one in range(count)}
    assert sum(counted.values()) - count <= kills * WINDOW
    return said
