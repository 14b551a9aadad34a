"""RDF 1.1 XML Syntax, striped and nested, written node by node. Source: https://www.w3.org/TR/rdf-syntax-grammar/."""

from __future__ import annotations

from xml.sax.saxutils import escape

from banyan.wire.dcat.terms import PREFIXES, Iri, Literal, Node, Term, expand

MEDIA_TYPE = "application/rdf+xml; charset=utf-8"
_QUOTE = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}


class RdfXmlWriter:
    """One document; a named node is described where it is first met, later mentions are `rdf:resource`."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def head(self) -> str:
        namespaces = "".join(f'\n  xmlns:{prefix}="{namespace}"' for prefix, namespace in PREFIXES.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF{namespaces}>\n'

    def node(self, subject: Node) -> str:
        return "" if subject.iri in self._seen and subject.iri else self._element(subject) + "\n"

    def tail(self) -> str:
        return "</rdf:RDF>\n"

    def _element(self, subject: Node) -> str:
        name = subject.types[0] if subject.types else "rdf:Description"
        about = ""
        if subject.iri:
            self._seen.add(subject.iri)
            about = f' rdf:about="{_attribute(subject.iri)}"'
        inner = [f'<rdf:type rdf:resource="{_attribute(expand(extra))}"/>' for extra in subject.types[1:]]
        inner += [self._edge(edge, term) for edge, terms in subject.edges for term in terms]
        return f"<{name}{about}>{''.join(inner)}</{name}>"

    def _edge(self, name: str, term: Term) -> str:
        if isinstance(term, Iri):
            return f'<{name} rdf:resource="{_attribute(term.iri)}"/>'
        if isinstance(term, Literal):
            mark = f' xml:lang="{term.lang}"' if term.lang else ""
            mark = f' rdf:datatype="{expand(term.datatype)}"' if term.datatype else mark
            return f"<{name}{mark}>{escape(term.value)}</{name}>"
        if term.iri and term.iri in self._seen:
            return f'<{name} rdf:resource="{_attribute(term.iri)}"/>'
        return f"<{name}>{self._element(term)}</{name}>"


def _attribute(text: str) -> str:
    return escape(text, _QUOTE)
