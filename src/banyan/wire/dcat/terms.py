"""RDF as trees: an IRI, a literal, or a node with typed edges. All a catalogue needs, and cheap enough to stream.

Predicates, types and datatypes are prefixed names of `PREFIXES`; subjects and objects are absolute IRIs. A node without
an IRI is blank and written in place. Text is cleaned of what XML 1.0 forbids when a literal is made, so the three
serialisations say exactly the same. Source: RDF 1.1 Concepts s3; XML 1.0 s2.2; RFC 3987 s2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

PREFIXES: Mapping[str, str] = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "adms": "http://www.w3.org/ns/adms#",
    "cnt": "http://www.w3.org/2011/content#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "locn": "http://www.w3.org/ns/locn#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_XML_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_IRI_UNSAFE = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\xa0\ud800-\udfff\ufdd0-\ufdef\ufff0-\uffff]")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"(?:https?://[^/?#\s]+.*|mailto:.+|tel:.+|urn:[A-Za-z0-9-]+:.+)", re.DOTALL | re.IGNORECASE)


class Iri(msgspec.Struct, frozen=True):
    """An absolute IRI; make it with `iri()` when the text came from outside."""

    iri: str


class Literal(msgspec.Struct, frozen=True):
    """A text with a language, or a typed value (`datatype` is a prefixed name such as `xsd:date`)."""

    value: str
    lang: str = ""
    datatype: str = ""


class Node(msgspec.Struct, frozen=True):
    """A subject with its classes and edges; blank when `iri` is empty."""

    types: tuple[str, ...]
    edges: tuple[tuple[str, tuple[Iri | Literal | Node, ...]], ...]
    iri: str = ""


Term = Iri | Literal | Node


def clean(text: str) -> str:
    """The text without characters that XML 1.0 cannot carry; each becomes U+FFFD, CRLF and CR become LF."""
    return _XML_FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def iri(text: str) -> Iri | None:
    """An IRI that every serialisation can carry, or None when the text is not an absolute web, mail or urn address."""
    text = text.strip()
    if not _SCHEME.fullmatch(text):
        return None
    escaped = _IRI_UNSAFE.sub(lambda match: quote(match.group().encode("utf-8", "replace")), text)
    escaped = _BARE_PERCENT.sub("%25", escaped)
    return Iri(escaped.replace("[", "%5B").replace("]", "%5D"))


def literal(text: str, lang: str = "") -> Literal:
    return Literal(clean(text), lang=lang)


def typed(value: str, datatype: str) -> Literal:
    return Literal(clean(value), datatype=datatype)


def texts(values: Mapping[str, str]) -> tuple[Literal, ...]:
    """One literal a language, empty texts left out."""
    return tuple(literal(text, lang) for lang, text in values.items() if text)


def node(types: str, edges: Iterable[tuple[str, Iterable[Term | None]]], at: Iri | None = None) -> Node:
    """Build a node, dropping absent terms and edges without terms. `types` is space-separated."""
    kept = ((name, tuple(term for term in terms if term is not None)) for name, terms in edges)
    return Node(tuple(types.split()), tuple((name, terms) for name, terms in kept if terms), at.iri if at else "")


def expand(name: str) -> str:
    """The full IRI of a prefixed name; programmer's error when the prefix is unknown."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local
