"""RDF 1.1 Turtle, written node by node so a catalogue page streams. Source: https://www.w3.org/TR/turtle/."""

from __future__ import annotations

import re

from banyan.wire.dcat.terms import PREFIXES, Iri, Literal, Node, Term

MEDIA_TYPE = "text/turtle; charset=utf-8"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'[\\"\n\r\t]')


class TurtleWriter:
    """One document. Nodes with an IRI are written once as their own subject; later mentions are references."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def head(self) -> str:
        return "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in PREFIXES.items())

    def node(self, subject: Node) -> str:
        """The subject and every not yet written named node under it."""
        waiting = [subject]
        written: list[str] = []
        while waiting:
            current = waiting.pop(0)
            if current.iri in self._seen:
                continue
            if current.iri:
                self._seen.add(current.iri)
            lead = f"<{current.iri}>" if current.iri else "[]"
            written.append(f"\n{lead} {self._edges(current, waiting, '  ')} .\n")
        return "".join(written)

    def tail(self) -> str:
        return ""

    def _edges(self, subject: Node, waiting: list[Node], indent: str) -> str:
        parts = [f"a {', '.join(subject.types)}"] if subject.types else []
        for name, terms in subject.edges:
            parts.append(f"{name} {', '.join(self._term(term, waiting, indent) for term in terms)}")
        return f" ;\n{indent}".join(parts)

    def _term(self, term: Term, waiting: list[Node], indent: str) -> str:
        if isinstance(term, Iri):
            return f"<{term.iri}>"
        if isinstance(term, Literal):
            return _literal(term)
        if term.iri:
            waiting.append(term)
            return f"<{term.iri}>"
        return f"[ {self._edges(term, waiting, indent + '  ')} ]"


def _literal(term: Literal) -> str:
    text = '"' + _ESCAPED.sub(lambda match: _ESCAPES[match.group()], term.value) + '"'
    if term.lang:
        return f"{text}@{term.lang}"
    return f"{text}^^{term.datatype}" if term.datatype else text
