"""Travel flags: rules in microseconds, look-ups a second through the gate (weighed, counted, sealed, on the ledger), a
CDS Hooks call end to end in this process, and our Patient beside plain JSON and fhir.resources where it is installed.

    ./banyan bench travel [--quick] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.service.travel.ehr import body, call, register, token  # noqa: E402
from tests.service.travel.world import World, hospital, in_a_world  # noqa: E402

from banyan.demo.agencies.people import people  # noqa: E402
from banyan.service.travel.rules import Stay, marks_on, published  # noqa: E402
from banyan.wire.fhir.model import Patient  # noqa: E402

ROUNDS = 5
PEOPLE, LOOKS, QUICK_LOOKS = 300, 2_000, 300


def each_us(job: Callable[[], Any], times: int) -> float:
    """Median of rounds, microseconds of CPU a call."""
    found = []
    for _ in range(ROUNDS):
        began = process_time()
        for _ in range(times):
            job()
        found.append((process_time() - began) / times * 1e6)
    return median(found)


def rules() -> dict[str, float]:
    random = Random(1)
    known = published()
    areas, first = ("CN-HB-WUH", "JP", "IT", "US"), date(2020, 1, 1)
    stays = [Stay(random.choice(areas), first + timedelta(days=random.randint(0, 60))) for _ in range(4)]
    day = max((one.since for one in known), key=lambda one: sum(rule.speaks(one) for rule in known))
    spoken = [one for one in known if one.speaks(day)]
    took = each_us(lambda: marks_on(stays, spoken, day), 5_000)
    print(f"rules: {len(spoken)} rules x {len(stays)} stays: {took:.1f} us")
    return {"rules_us": took}


def patients() -> dict[str, float]:
    sent = body()["prefetch"]["patient"]
    raw = json.dumps(sent).encode()
    ours = each_us(lambda: msgspec.json.decode(raw, type=Patient), 20_000)
    plain = each_us(lambda: json.loads(raw), 20_000)
    print(f"Patient of {len(raw)} bytes: ours {ours:.2f} us, json.loads {plain:.2f} us")
    try:
        from fhir.resources.R4B.patient import Patient as Oracle
    except ImportError:
        print("fhir.resources is not installed: pip install fhir.resources")
        return {"patient_us": ours}
    theirs = each_us(lambda: Oracle.model_validate_json(raw), 500)
    print(f"fhir.resources R4B {theirs:.1f} us: {theirs / ours:.0f}x ours")
    return {"patient_us": ours, "fhir_resources_us": theirs}


def look_ups(people_: int, looks: int) -> dict[str, float]:
    costs: dict[str, float] = {}

    async def story(world: World) -> None:
        numbers = [one.number for one in people()[:people_]]
        began = perf_counter()
        said = [{"papers": [one], "stays": [{"area": "XA", "until": world.ago(5)}]} for one in numbers]
        await world.call("arrive", CALLER, arrivals=said)
        print(f"delivery: {people_ / (perf_counter() - began):,.0f} persons/s")
        for at_once in (1, 32):
            began, cpu = perf_counter(), process_time()
            for start in range(0, looks, at_once):
                world.now[0] += 10
                asked = [world.flag(numbers[(start + at) % len(numbers)], hospital("TW/MED/H1", str((start + at) % 50)))
                         for at in range(at_once)]  # fmt: skip
                await asyncio.gather(*asked)
            wall, used = perf_counter() - began, process_time() - cpu
            costs[f"look_up_{at_once}_us"] = used / looks * 1e6
            print(f"look-ups, {at_once} at once: {looks / wall:,.0f}/s, {used / looks * 1e6:,.0f} us CPU each")
        await register(world)
        began, cpu, many = perf_counter(), process_time(), min(looks, 300)
        for at in range(many):
            world.now[0] += 300
            await call(world, body(context={"userId": f"Practitioner/d{at % 40}", "patientId": "p1"}), token(world))
        wall, used = perf_counter() - began, process_time() - cpu
        costs["cds_hooks_us"] = used / many * 1e6
        print(f"CDS Hooks calls with the client's signing: {many / wall:,.0f}/s, {used / many * 1e6:,.0f} us CPU each")

    in_a_world(story)
    return costs


CALLER = hospital("TW/GOV/NIA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer look-ups")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    costs = rules() | patients() | look_ups(PEOPLE, QUICK_LOOKS if options.quick else LOOKS)
    if options.json:
        peer = costs.get("fhir_resources_us")
        ratio = None if peer is None else round(peer / costs["patient_us"], 1)
        found = {name: round(cost, 1) for name, cost in costs.items()}
        print(json.dumps({"name": "travel", "peer": "fhir.resources", "ratio": ratio, "detail": found}))


if __name__ == "__main__":
    main()
