"""A catalogue page or a dataset as a stream of chunks in one of the three RDF syntaxes.

We write the syntaxes ourselves: an RDF library builds a graph first, which costs 10 to 60 times as much and cannot
stream (docs/decisions/0021-rdf-without-a-graph.md). Tests read our output back with rdflib and pyshacl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, Protocol

from banyan.wire.dcat import graph, jsonld, model, rdfxml, turtle
from banyan.wire.dcat.terms import Node, iri

Syntax = Literal["ttl", "jsonld", "rdf"]

MEDIA_TYPES: dict[Syntax, str] = {"ttl": turtle.MEDIA_TYPE, "jsonld": jsonld.MEDIA_TYPE, "rdf": rdfxml.MEDIA_TYPE}


class Writer(Protocol):
    def head(self) -> str: ...
    def node(self, subject: Node) -> str: ...
    def tail(self) -> str: ...


def writer(syntax: Syntax) -> Writer:
    makers: dict[Syntax, Callable[[], Writer]] = {
        "ttl": turtle.TurtleWriter,
        "jsonld": jsonld.JsonLdWriter,
        "rdf": rdfxml.RdfXmlWriter,
    }
    return makers[syntax]()


def catalog_chunks(
    syntax: Syntax, catalog: model.Catalog, datasets: Iterable[model.Dataset], paging: model.Paging, iris: Sequence[str]
) -> Iterator[bytes]:
    """One page of the catalogue: paging, catalogue, data service, then each dataset.

    `iris` are the datasets' own, known before they are described, so `datasets` may be made one by one.
    """
    out = writer(syntax)
    addresses = [at.iri for at in map(iri, iris) if at]
    yield out.head().encode()
    yield out.node(graph.paging_node(paging)).encode()
    yield out.node(graph.catalog_node(catalog, addresses)).encode()
    yield out.node(graph.service_node(catalog.service, catalog, addresses)).encode()
    for dataset in datasets:
        yield out.node(graph.dataset_node(dataset)).encode()
    yield out.tail().encode()


def dataset_bytes(syntax: Syntax, catalog: model.Catalog, dataset: model.Dataset) -> bytes:
    """One dataset with the data service it is served by."""
    out = writer(syntax)
    at = iri(dataset.iri)
    parts = [
        out.head(),
        out.node(graph.service_node(catalog.service, catalog, [at.iri] if at else [])),
        out.node(graph.dataset_node(dataset)),
        out.tail(),
    ]
    return "".join(parts).encode()
