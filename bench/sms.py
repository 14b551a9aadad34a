"""SMS: submit_sm a second to foreign SMSCs beside smpplib, ours durable; a nation's campaign accepted, its memory.

    ./banyan bench sms [--quick] [--json]

Rounds are interleaved: each sends the same texts to the same server (smpp34 in Rust, smpp in Node.js), first one sender
then the other. smpplib keeps nothing: what it had sent when it is killed is not known. Ours writes each claim and each
answer to disk before the next. `accepted` is 627,386 numbers, the contacts of the Diamond Princess.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
PYTHON = ROOT / ".venv-peers/bin/python"
PEERS = ROOT / "tests/craft/notify/peers"
NATION = 627_386


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def a_server(kind: str) -> tuple[subprocess.Popen[bytes], int]:
    command = (
        [str(PYTHON), str(PEERS / "smpp34_server.py"), str(free_port())]
        if kind == "smpp34"
        else ["node", str(PEERS / "npm_server.mjs")]
    )
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, int(process.stdout.readline().split()[1])


def by_smpplib(port: int, count: int) -> dict[str, float]:
    command = [str(PYTHON), str(ROOT / "bench/_sms_smpplib.py"), str(port), str(count)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


async def ours(port: int, count: int) -> dict[str, float]:
    from tests.craft.notify.tools import a_bind, an_outbox, sending, some, until

    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        async with an_outbox(Path(folder)) as outbox:
            await outbox.accept(some("bench/1", range(count)))
            wall, cpu = time.perf_counter(), time.process_time()
            async with sending(outbox, a_bind(port, window=1000)) as sender:
                await until(lambda: sender.figures[0].taken >= count, seconds=600)
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu}


def octets_in(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


async def accepted(count: int) -> dict[str, float]:
    from tests.craft.notify.tools import an_outbox

    from banyan.craft.notify.model import Lane, Message

    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        async with an_outbox(Path(folder)) as outbox:
            text = "您可能曾與確診者同處，請自主健康管理14日，詳見 https://cdc.gov.tw"
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            messages = (
                Message(campaign="bench/1", to=f"+8869{at:08}", text=text, lane=Lane.BULK) for at in range(count)
            )
            wall, cpu = time.perf_counter(), time.process_time()
            found = await outbox.accept(messages)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert found.count == count
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            disk = await asyncio.to_thread(octets_in, Path(folder))
    return {"count": count, "wall": wall, "cpu": cpu, "grown_mib": grown / 1024, "disk_mib": disk / 2**20}


def in_a_process(what: str, *values: int) -> dict[str, float]:
    """One measurement in a fresh process, so that memory is its own."""
    command = [sys.executable, __file__, "--one", what, *map(str, values)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs="+")
    options = parser.parse_args()
    if options.one:
        what, *values = options.one
        run = {"ours": ours, "accepted": accepted}[what]
        print(json.dumps(asyncio.run(run(*map(int, values)))))
        return
    count, rounds = (5_000, 2) if options.quick else (20_000, 5)
    report: dict[str, object] = {"count": count}
    for kind in ("smpp34", "npm"):
        rates: dict[str, list[tuple[float, float]]] = {"ours": [], "smpplib": []}
        for _ in range(rounds):
            for name in rates:
                server, port = a_server(kind)
                found = in_a_process("ours", port, count) if name == "ours" else by_smpplib(port, count)
                server.communicate(b"")
                rates[name].append((count / found["wall"], found["cpu"] / count * 1e6))
        for name, some in rates.items():
            rate, cpu = median(one[0] for one in some), median(one[1] for one in some)
            report[f"{name} -> {kind}"] = {"per_s": round(rate), "cpu_us": round(cpu, 1)}
            print(f"{name:8} -> {kind:7} {rate:9,.0f} submit_sm/s  {cpu:6.1f} us CPU each (median of {rounds})")
    for size in (NATION // 16, NATION // 4, NATION):
        found = in_a_process("accepted", size)
        report[f"accepted {size}"] = found
        print(
            f"accepted {size:8,} numbers: {found['wall']:5.2f} s, {found['cpu']:5.2f} s CPU, memory grew by "
            f"{found['grown_mib']:4.0f} MiB, {found['disk_mib']:5.0f} MiB on disk"
        )
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
