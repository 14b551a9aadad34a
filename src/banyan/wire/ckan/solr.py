"""The subset of Solr's query syntax that CKAN clients send, parsed to a small tree.

    words  "a phrase"  field:word  field:"a phrase"  field:(a OR b)  *:*  field:*  wild*c?rds
    AND && OR || NOT !  leading + and -  ( )  [a TO b] {a TO b]  backslash escapes

Words side by side must all match (CKAN sends `q.op=AND`). OR binds least, then AND, then NOT. Boosts (`^2`) and
slop (`~1`) are read and dropped: they only move ranks. Everything is bounded; a text that is no query raises
SolrSyntax, and free text should then be read with `words`. Source: Apache Solr reference, standard query parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from banyan.limits import SOLR_CHARS, SOLR_CLAUSES, SOLR_DEPTH


class SolrSyntax(ValueError):
    """The text is not a query of this subset; `at` is the character where it stops being one."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(f"{reason} at character {at + 1}")
        self.at = at


class Everything(msgspec.Struct, frozen=True, tag=True):
    """`*:*`, or `field:*` when it has a field: any value."""

    field: str = ""


class Term(msgspec.Struct, frozen=True, tag=True):
    """A word, a phrase (`is_phrase`), or a pattern with `*` and `?` (`is_pattern`). No field means the whole text."""

    text: str
    field: str = ""
    is_phrase: bool = False
    is_pattern: bool = False


class Range(msgspec.Struct, frozen=True, tag=True):
    """`field:[low TO high]`; an empty end is open; a curly bracket excludes its end."""

    field: str
    low: str
    high: str
    with_low: bool = True
    with_high: bool = True


class And(msgspec.Struct, frozen=True, tag=True):
    parts: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    parts: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    part: Node


Node = Everything | Term | Range | And | Or | Not

_SPACE = re.compile(r"\s+")
_BARE = re.compile(r"(?:\\.|[^\s\\\"()\[\]{}:^~])+", re.DOTALL)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_ENDS = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^\s\]}"]+)\s+TO\s+("(?:\\.|[^"\\])*"|[^\s\]}"]+)\s*([\]}])', re.DOTALL)
_WEIGHT = re.compile(r"[\^~][0-9.]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r'([\s\\"()\[\]{}:^~*?+\-!&|])')
_OPERATORS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "not"}


def parse(text: str) -> Node:
    """Parse one query. An empty text is everything. Errors: SolrSyntax, also for the bounds of limits.py."""
    if len(text) > SOLR_CHARS:
        raise SolrSyntax(f"The query is longer than {SOLR_CHARS} characters", SOLR_CHARS)
    parser = _Parser(text)
    node = parser.alternatives("", 0)
    if parser.at < len(text):
        raise SolrSyntax(f"Unexpected {text[parser.at]!r}", parser.at)
    return node if node is not None else Everything()


def words(text: str) -> Node:
    """Free text without syntax: every word must match."""
    found = [Term(word) for word in text[:SOLR_CHARS].split()[:SOLR_CLAUSES]]
    return _join(And, list[Node](found)) or Everything()


class _Parser:
    """Recursive descent over one text; `at` is the next character to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.clauses = 0

    def alternatives(self, field: str, depth: int) -> Node | None:
        """`a OR b ...`; None when there is nothing before the end or the closing bracket."""
        if depth > SOLR_DEPTH:
            raise SolrSyntax(f"Brackets are nested deeper than {SOLR_DEPTH}", self.at)
        parts: list[Node] = []
        while True:
            part = self._all_of(field, depth)
            if part is not None:
                parts.append(part)
            if self._operator() != "or":
                return _join(Or, parts)
            self._take_operator()

    def _all_of(self, field: str, depth: int) -> Node | None:
        parts: list[Node] = []
        while True:
            while self._operator() == "and":
                self._take_operator()
            if self._operator() == "or":
                return _join(And, parts)
            part = self._signed(field, depth)
            if part is None:
                return _join(And, parts)
            parts.append(part)

    def _signed(self, field: str, depth: int) -> Node | None:
        negative = False
        while True:
            self._skip_space()
            if self._operator() == "not":
                self._take_operator()
                negative = not negative
            elif self.text[self.at : self.at + 1] in ("-", "!", "+") and self._has_operand():
                negative ^= self.text[self.at] != "+"
                self.at += 1
            else:
                break
        part = self._clause(field, depth)
        if part is not None:
            self._skip_weight()
        return Not(part) if negative and part is not None else part

    def _clause(self, field: str, depth: int) -> Node | None:
        here = self.text[self.at : self.at + 1]
        if not here or here == ")":
            return None
        if here == "(":
            return self._bracketed(field, depth)
        self.clauses += 1
        if self.clauses > 2 * SOLR_CLAUSES:  # a field and its word are read as two
            raise SolrSyntax(f"More than {SOLR_CLAUSES} clauses", self.at)
        if here == '"':
            return Term(_plain(self._match(_QUOTED, "A quotation mark is not closed").group(1)), field, is_phrase=True)
        if here in "[{":
            return self._range(field)
        return self._word(field, depth)

    def _bracketed(self, field: str, depth: int) -> Node:
        opened = self.at
        self.at += 1
        inner = self.alternatives(field, depth + 1)
        self._skip_space()
        if self.text[self.at : self.at + 1] != ")":
            raise SolrSyntax("A bracket is not closed", opened)
        self.at += 1
        return inner if inner is not None else Everything(field)

    def _word(self, field: str, depth: int) -> Node:
        start = self.at
        raw = self._match(_BARE, f"Unexpected {self.text[start]!r}").group()
        if self.text[self.at : self.at + 1] != ":":
            return _term(raw, field)
        if field:
            raise SolrSyntax("A field inside a field", start)
        self.at += 1
        name = "" if raw == "*" else _plain(raw)
        if self.text[self.at : self.at + 1].strip() in ("", ")"):
            raise SolrSyntax("A field without a value", self.at)
        sign = self.text[self.at] in "-+" and self.text[self.at]
        if sign:
            self.at += 1
        part = self._clause(name, depth)
        if part is None:
            raise SolrSyntax("A field without a value", self.at)
        return Not(part) if sign == "-" else part

    def _range(self, field: str) -> Node:
        opening = self.text[self.at]
        start = self.at
        self.at += 1
        found = _ENDS.match(self.text, self.at)
        if not found:
            raise SolrSyntax("A range must be [low TO high]", start)
        if not field:
            raise SolrSyntax("A range needs a field", start)
        self.at = found.end()
        low, high = _end(found.group(1)), _end(found.group(2))
        if not low and not high:
            return Everything(field)
        return Range(field, low, high, with_low=opening == "[", with_high=found.group(3) == "]")

    def _operator(self) -> str:
        """The operator that stands next, without taking it."""
        self._skip_space()
        for word, meaning in _OPERATORS.items():
            if self.text.startswith(word, self.at):
                after = self.text[self.at + len(word) : self.at + len(word) + 1]
                if word in ("&&", "||") or not after or after.isspace() or after in "()":
                    return meaning
        return ""

    def _take_operator(self) -> None:
        self.at += 3 if self.text.startswith(("AND", "NOT"), self.at) else 2

    def _has_operand(self) -> bool:
        after = self.text[self.at + 1 : self.at + 2]
        return bool(after) and not after.isspace() and after != ")"

    def _match(self, pattern: re.Pattern[str], otherwise: str) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if not found:
            raise SolrSyntax(otherwise, self.at)
        self.at = found.end()
        return found

    def _skip_space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _skip_weight(self) -> None:
        while found := _WEIGHT.match(self.text, self.at):
            self.at = found.end()


def _join(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return kind(tuple(parts))


def _term(raw: str, field: str) -> Node:
    if raw == "*":
        return Everything(field)
    bare = _ESCAPE.sub("", raw)
    return Term(raw if "*" in bare or "?" in bare else _plain(raw), field, is_pattern="*" in bare or "?" in bare)


def _end(raw: str) -> str:
    if raw == "*":
        return ""
    return _plain(raw[1:-1] if raw.startswith('"') else raw)


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def pattern_regex(pattern: str) -> str:
    """A Term's pattern as a regular expression: `*` any run, `?` one character, a backslash takes its next as is.

    What stands between two `*` is looked for once, at its first place, and never elsewhere (an atomic group): the
    first place leaves most room for the rest, and going back would take time to the power of the number of `*`.
    """
    pieces = re.findall(r"\\.|\*+|\?|[^\\*?]+|\\", pattern, re.DOTALL)
    parts = [""]
    for piece in pieces:
        if piece[0] == "*":
            parts.append("")
        else:
            parts[-1] += "." if piece == "?" else re.escape(_plain(piece))
    first, *between = parts
    if not between:
        return first
    return first + "".join(f"(?>.*?{part})" for part in between[:-1]) + f".*{between[-1]}"


def write(node: Node) -> str:
    """The query text of a tree: `parse(write(node)) == node` for every tree that `parse` gives."""
    match node:
        case Everything(field=field):
            return f"{_quote_field(field)}:*" if field else "*:*"
        case Term():
            return _prefix(node.field) + _term_text(node)
        case Range():
            return f"{_prefix(node.field)}{_range_text(node)}"
        case Not(part=part):
            return f"-{write(part)}" if not isinstance(part, And | Or) else f"-({write(part)})"
        case And(parts=parts):
            return " AND ".join(_nested(parts))
        case Or(parts=parts):
            return " OR ".join(_nested(parts))


def _nested(parts: tuple[Node, ...]) -> Iterator[str]:
    for part in parts:
        yield f"({write(part)})" if isinstance(part, And | Or) else write(part)


def _prefix(field: str) -> str:
    return f"{_quote_field(field)}:" if field else ""


def _quote_field(field: str) -> str:
    return _SPECIAL.sub(r"\\\1", field)


def _term_text(term: Term) -> str:
    if term.is_phrase or term.text in _OPERATORS or not term.text:
        escaped = term.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"' if term.is_phrase else "\\" + term.text
    return term.text if term.is_pattern else _SPECIAL.sub(r"\\\1", term.text)


def _range_text(span: Range) -> str:
    low, high = (f'"{end}"' if end else "*" for end in (_escape_end(span.low), _escape_end(span.high)))
    return f"{'[' if span.with_low else '{'}{low} TO {high}{']' if span.with_high else '}'}"


def _escape_end(end: str) -> str:
    return end.replace("\\", "\\\\").replace('"', '\\"')
