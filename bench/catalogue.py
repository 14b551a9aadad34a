"""The catalogue of 50,000 datasets through the door: a page of 500 as Turtle beside rdflib, a feed page, the site map,
a search for two characters, and the costliest search there may be.

`.venv/bin/python bench/catalogue.py [--quick] [--json]`. The peer is rdflib writing the same page from a filled graph.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from urllib.parse import quote

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' builders make the node

from tests.make import Node, a_node
from tests.service.opendata.export import seeds

from banyan.kernel.storage import Tx
from banyan.service.opendata import parts, registry
from banyan.service.opendata.model import Dataset

TARGET = 5.0


def described(number: int) -> Dataset:
    """A dataset as an agency describes one, with a table and a link."""
    base = seeds.another(number)
    resources = tuple(
        msgspec.structs.replace(one, id=f"{one.id[:-6]}{number:06}", version=int(one.version > 0))
        for one in seeds.DATASET.resources
    )
    fields = ("notes", "agency_id", "tags", "themes", "frequency", "spatial")
    return msgspec.structs.replace(base, resources=resources, **{name: getattr(seeds.DATASET, name) for name in fields})


async def fill(node: Node, count: int) -> None:
    store = node.drawers["opendata"].sql
    await store.write(seeds.seed)
    for start in range(0, count, 1_000):
        await store.write(partial(write, numbers=range(start, min(count, start + 1_000))))


def write(tx: Tx, numbers: range) -> None:
    for number in numbers:
        dataset = described(number)
        registry.put_dataset(tx, dataset)
        version = msgspec.structs.replace(seeds.VERSION, resource_id=dataset.resources[0].id)
        registry.put_version(tx, version, choices="")


async def timed(node: Node, target: str, rounds: int) -> tuple[float, bytes]:
    """Median milliseconds of a GET, and its body."""
    times, body = [], b""
    for _ in range(rounds):
        begun = perf_counter()
        reply = await node.client.get(target)
        times.append((perf_counter() - begun) * 1_000)
        assert reply.status == 200, reply.text
        body = reply.body
    return statistics.median(times), body


async def searched(node: Node, rounds: int) -> dict[str, float]:
    """Median milliseconds of a page of what two characters find, by title, and of 30 ranges over all; no question is
    asked twice, for an answer is kept."""
    word = await middle(
        node, [f"q={number}&sort={quote('title asc')}&rows=20" for number in range(10, 10 + 3 * rounds)]
    )
    spans = [
        " OR ".join(f"metadata_modified:[20{number + 10}-01-{day:02} TO *]" for day in range(1, 31))
        for number in range(rounds)
    ]
    return {"word_ms": word, "ranges_ms": await middle(node, [f"filters={quote(span)}&rows=1" for span in spans])}


async def middle(node: Node, questions: Sequence[str]) -> float:
    return statistics.median([(await timed(node, f"/api/opendata/datasets?{one}", 1))[0] for one in questions])


def peer(body: bytes) -> float:
    """Milliseconds rdflib takes to fill a graph with the same triples and write it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rdflib

        triples = list(rdflib.Graph().parse(data=body, format="turtle"))
        begun = perf_counter()
        graph = rdflib.Graph()
        for triple in triples:
            graph.add(triple)
        graph.serialize(format="turtle")
    return (perf_counter() - begun) * 1_000


async def measure(count: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with a_node(Path(folder), [parts.SERVICE]) as node:
            await fill(node, count)
            last = count // 500
            found = {}
            found["turtle_ms"], body = await timed(node, f"/catalog.ttl?page={last}", rounds)
            found["jsonld_ms"], _ = await timed(node, f"/catalog.jsonld?page={last}", rounds)
            found["rdfxml_ms"], _ = await timed(node, f"/catalog.rdf?page={last}", rounds)
            found["feed_ms"], _ = await timed(node, "/feed.atom", rounds)
            found["sitemap_ms"], _ = await timed(node, "/sitemap.xml?page=1", rounds)
            found["national_ms"], _ = await timed(node, f"/national.json?page={last}", rounds)
            found["dataset_ms"], _ = await timed(node, "/dataset/mask.ttl", rounds)
            found |= await searched(node, rounds)
            found["rdflib_ms"] = peer(body)
            found["page_bytes"] = len(body)
            return found


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 datasets")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count, rounds = (5_000, 3) if options.quick else (50_000, 5)
    detail = {name: round(value, 2) for name, value in asyncio.run(measure(count, rounds)).items()}
    ratio = round(detail["rdflib_ms"] / detail["turtle_ms"], 2)
    last = {
        "name": "catalogue",
        "peer": "rdflib 7.6 serialising the same page",
        "ratio": ratio,
        "target": TARGET,
        "met": ratio >= TARGET,
        "detail": {"datasets": count, **detail},
    }
    if not options.json:
        print(*(f"{name:>12} {value:>12,.1f}" for name, value in detail.items()), sep="\n")
    print(json.dumps(last))


if __name__ == "__main__":
    run()
