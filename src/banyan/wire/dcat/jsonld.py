"""JSON-LD 1.1 with an inline context of prefixes, written node by node. Source: https://www.w3.org/TR/json-ld11/."""

from __future__ import annotations

import msgspec

from banyan.wire.dcat.terms import PREFIXES, Iri, Literal, Node, Term

MEDIA_TYPE = "application/ld+json; charset=utf-8"
Json = str | list["Json"] | dict[str, "Json"]


class JsonLdWriter:
    """One document with a flat `@graph`; a named node is described once, later mentions are `{"@id": ..}`."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._first = True

    def head(self) -> str:
        return f'{{"@context":{msgspec.json.encode(PREFIXES).decode()},"@graph":['

    def node(self, subject: Node) -> str:
        if subject.iri and subject.iri in self._seen:
            return ""
        lead = "" if self._first else ",\n"
        self._first = False
        return lead + msgspec.json.encode(self._object(subject)).decode()

    def tail(self) -> str:
        return "]}"

    def _object(self, subject: Node) -> dict[str, Json]:
        found: dict[str, Json] = {}
        if subject.iri:
            self._seen.add(subject.iri)
            found["@id"] = subject.iri
        if subject.types:
            found["@type"] = list(subject.types)
        for name, terms in subject.edges:
            values = [self._term(term) for term in terms]
            found[name] = values[0] if len(values) == 1 else values
        return found

    def _term(self, term: Term) -> Json:
        if isinstance(term, Iri):
            return {"@id": term.iri}
        if isinstance(term, Literal):
            if term.lang:
                return {"@value": term.value, "@language": term.lang}
            return {"@value": term.value, "@type": term.datatype} if term.datatype else term.value
        if term.iri in self._seen and term.iri:
            return {"@id": term.iri}
        return self._object(term)
