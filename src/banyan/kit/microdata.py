"""HTML microdata as plain values, as far as Offers need it. Source: WHATWG HTML 5 (microdata)."""

from __future__ import annotations

from typing import Any, Final

VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_DEEPEST: Final = 64


class _Level:
    """One open element: the thing it is (itemscope), and the property whose text it holds."""

    def __init__(self, thing: dict[str, Any] | None, name: str) -> None:
        self.thing, self.name = thing, name
        self.text: list[str] = []


class Things:
    """Fed with tags and text in order; `found` are the outermost things, nested ones as values of their properties."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self._levels: list[_Level] = []
        self._ignored = 0

    def start(self, tag: str, values: dict[str, str]) -> None:
        if tag not in VOID and len(self._levels) >= _DEEPEST:
            self._ignored += 1
            return
        name = values.get("itemprop", "")
        thing = {"@type": values.get("itemtype", "").rpartition("/")[2]} if "itemscope" in values else None
        if thing is not None:
            owner = self._owner()
            if name and owner is not None:
                _add(owner, name, thing)
            else:
                self.found.append(thing)
            if "itemid" in values:
                thing["@id"] = values["itemid"]
        elif name:
            said = next((values[key] for key in ("content", "href", "datetime", "value") if key in values), None)
            owner = self._owner()
            if said is not None and owner is not None:
                _add(owner, name, said)
                name = ""
        if tag not in VOID:
            self._levels.append(_Level(thing, "" if thing is not None else name))

    def text(self, data: str) -> None:
        for level in self._levels:
            if level.name:
                level.text.append(data)

    def end(self) -> None:
        if self._ignored:
            self._ignored -= 1
            return
        if not self._levels:
            return
        level = self._levels.pop()
        owner = self._owner()
        if level.name and owner is not None:
            _add(owner, level.name, " ".join("".join(level.text).split()))

    def _owner(self) -> dict[str, Any] | None:
        return next((level.thing for level in reversed(self._levels) if level.thing is not None), None)


def _add(thing: dict[str, Any], name: str, value: Any) -> None:
    for one in name.split():
        if one in thing:
            known = thing[one]
            thing[one] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            thing[one] = value
