"""The router: a trie of path segments, built at start. A look-up costs about 1 us at 12 or 144 routes.

Templates: `/dataset/{name}` (a segment), `/dataset/{name}.ttl` (part of a segment), `/static/{file*}` (the rest).
Literal text wins over part of a segment, which wins over a segment, which wins over the rest.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

T = TypeVar("T")
_FIELD = re.compile(r"\{(\w+)(\*?)\}")


class _Node(Generic[T]):
    __slots__ = ("literal", "part", "rest", "route", "segment")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[T]] = {}
        self.part: list[tuple[str, str, _Node[T]]] = []
        self.segment: _Node[T] | None = None
        self.rest: Route[T] | None = None
        self.route: Route[T] | None = None


class Route(Generic[T]):
    """One path template and what answers each method there."""

    __slots__ = ("names", "targets", "template")

    def __init__(self, template: str, names: tuple[str, ...]) -> None:
        self.template = template
        self.names = names
        self.targets: dict[str, T] = {}

    @property
    def allow(self) -> str:
        """The `Allow` header: GET brings HEAD, and OPTIONS always answers."""
        methods = set(self.targets) | {"OPTIONS"} | ({"HEAD"} if "GET" in self.targets else set())
        return ", ".join(sorted(methods))


class Router(Generic[T]):
    """All routes of a node. Adding the same method to the same template twice is a programmer's error."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._exact: dict[str, Route[T]] = {}
        self.routes: list[Route[T]] = []

    def add(self, template: str, methods: tuple[str, ...], target: T) -> Route[T]:
        assert template.startswith("/"), f"{template} must start with /"
        fields = _FIELD.findall(template)
        node, rest = self._descend(template)
        route = node.rest if rest else node.route
        if route is None:
            route = Route(template, tuple(name for name, _ in fields))
            self.routes.append(route)
            if rest:
                node.rest = route
            else:
                node.route = route
                if not fields:
                    self._exact[template] = route
        assert [name for name, _ in fields] == list(route.names), f"{template} clashes with {route.template}"
        for method in methods:
            assert method not in route.targets, f"{method} {template} is declared twice"
            route.targets[method] = target
        return route

    def find(self, path: str) -> tuple[Route[T], dict[str, str]] | None:
        """The route of a decoded path without `%`, and its parameters."""
        exact = self._exact.get(path)
        if exact is not None:
            return exact, {}
        return self.find_segments(path[1:].split("/"))

    def find_segments(self, segments: list[str]) -> tuple[Route[T], dict[str, str]] | None:
        """The route of decoded segments (a segment may hold a decoded `/`)."""
        values: list[str] = []
        route = _walk(self._root, segments, 0, values)
        return None if route is None else (route, dict(zip(route.names, values, strict=True)))

    def _descend(self, template: str) -> tuple[_Node[T], bool]:
        node = self._root
        for segment in template[1:].split("/"):
            fields = list(_FIELD.finditer(segment))
            assert len(fields) <= 1, f"{template}: one field a segment"
            if not fields:
                node = node.literal.setdefault(segment, _Node())
                continue
            field = fields[0]
            prefix, suffix = segment[: field.start()], segment[field.end() :]
            if field[2]:
                assert template.endswith(segment), f"{template}: {field[0]} must be last"
                return node, True
            if prefix or suffix:
                node = _part(node, prefix, suffix)
            else:
                node.segment = node.segment or _Node()
                node = node.segment
        return node, False


def _part(node: _Node[T], prefix: str, suffix: str) -> _Node[T]:
    for known_prefix, known_suffix, child in node.part:
        if (known_prefix, known_suffix) == (prefix, suffix):
            return child
    child = _Node[T]()
    node.part.append((prefix, suffix, child))
    node.part.sort(key=lambda part: -len(part[0]) - len(part[1]))
    return child


def _walk(node: _Node[T], segments: list[str], at: int, values: list[str]) -> Route[T] | None:
    """Depth-first with backtracking; depth and width are those of the declared routes, never of the request."""
    for segment in segments[at:] if at else segments:
        child = node.literal.get(segment)
        if node.part or node.rest is not None or (child is not None and node.segment is not None):
            return _choose(node, segments, at, values)
        if child is not None:
            node = child
        elif node.segment is None or not segment:
            return None
        else:
            values.append(segment)
            node = node.segment
        at += 1
    return node.route


def _choose(node: _Node[T], segments: list[str], at: int, values: list[str]) -> Route[T] | None:
    """Try the ways on from here, the most literal first."""
    segment = segments[at]
    child = node.literal.get(segment)
    kept = len(values)
    if child is not None:
        if (found := _walk(child, segments, at + 1, values)) is not None:
            return found
        del values[kept:]
    if segment:
        for prefix, suffix, part in node.part:
            if len(segment) > len(prefix) + len(suffix) and segment.startswith(prefix) and segment.endswith(suffix):
                values.append(segment[len(prefix) : len(segment) - len(suffix)])
                if (found := _walk(part, segments, at + 1, values)) is not None:
                    return found
                del values[kept:]
        if node.segment is not None:
            values.append(segment)
            if (found := _walk(node.segment, segments, at + 1, values)) is not None:
                return found
            del values[kept:]
    if node.rest is not None:
        values.append("/".join(segments[at:]))
        return node.rest
    return None
