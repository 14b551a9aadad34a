"""Is the tree built as the schema of its version wants it? And its values, by the elements' names.

The verdict is XSD 1.0's (the tests hold it against the OASIS schemas over lxml); what an error needs is a path, a code
and a fix, which a schema processor does not give. Codes: namespace, root, unexpected, order, repeated, missing, value,
attribute, stray-text, children, too-many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from banyan.limits_alerts import CAP_AREAS, CAP_ELEMENTS, CAP_INFOS
from banyan.wire.cap.document import Element
from banyan.wire.cap.shapes import NAMESPACES, SHAPES, SIGNATURES, Shape, Text
from banyan.wire.cap.texts import SPACE, collapse
from banyan.wire.cap.verdict import Findings

Values = Mapping[str, list["str | Values"]]
"""What an element of elements holds, by name, in order."""

_VERSIONS: Final = {f"{{{space}}}alert": version for version, space in NAMESPACES.items()}
_SIGNED: Final = f"{{{SIGNATURES}}}"
_HINTS: Final = frozenset(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
_MOST: Final = {"info": CAP_INFOS, "area": CAP_AREAS}
_HAS_ATTRIBUTES: Final = etree.XPath("boolean(//@*)")
_COUNT: Final = etree.XPath("count(//*)")
_OTHERS: Final = {
    "urn:oasis:names:tc:emergency:EDXL:DE:1.0": "this is an EDXL envelope: take the alert out of its contentObject",
    "http://www.w3.org/2005/Atom": "this is an Atom feed: read it with the feeds' reader, or fetch the alerts it links",
    "http://www.w3.org/2001/XMLSchema": "this is a schema, not an alert",
}


def version_of(root: Element, findings: Findings) -> str:
    """The CAP version the root element says; empty, with a finding, when it is no alert of ours."""
    version = _VERSIONS.get(root.tag)
    if version is not None:
        return version
    name = etree.QName(root)
    if name.namespace in NAMESPACES.values():
        fix = f"the root element is <{name.localname[:40]}>: send one <alert> a document"
        findings.structure(name.localname[:40], "root", fix)
    elif name.namespace in _OTHERS:
        findings.structure(name.localname[:40], "format", _OTHERS[name.namespace])
    else:
        said = (name.namespace or "no namespace")[:80]
        findings.structure(name.localname[:40], "namespace", f"write xmlns={NAMESPACES['1.2']!r}; it says {said!r}")
    return ""


def gather(root: Element, version: str, findings: Findings) -> Values:
    """The alert's values; what the schema refuses is in `findings`."""
    if _COUNT(root) > CAP_ELEMENTS:
        findings.structure("alert", "too-many", f"send at most {CAP_ELEMENTS} elements")
        return {}
    if _HAS_ATTRIBUTES(root):
        _attributes(root, findings)
    return _gather(root, SHAPES[version], "alert", findings)


def _gather(node: Element, shape: Shape, path: str, findings: Findings) -> Values:
    found: dict[str, list[str | Values]] = {}
    last, is_signed, items = -1, False, shape.items
    stray = node.text
    if stray and stray.strip(SPACE):
        findings.structure(path, "stray-text", f"take the text {_shown(stray)} out: this element holds elements only")
    for child in node:
        tag, tail = child.tag, child.tail
        if tail and tail.strip(SPACE):
            findings.structure(
                path, "stray-text", f"take the text {_shown(tail)} out: this element holds elements only"
            )
        item = items.get(tag)
        if item is None or is_signed:
            if item is None and path == "alert" and tag.startswith(_SIGNED) and shape is SHAPES["1.2"]:
                is_signed = True
                continue
            _misplaced(tag, path, findings, is_known=item is not None)
            continue
        place, is_many, name, kind = item
        if place < last:
            findings.structure(f"{path}/{name}", "order", f"put <{name}> where the schema has it, further up")
        elif place == last and not is_many:
            findings.structure(f"{path}/{name}", "repeated", f"keep one <{name}>: the schema takes no second")
        last = max(last, place)
        values = found.setdefault(name, [])
        here = f"{path}/{name}[{len(values) + 1}]" if is_many else f"{path}/{name}"
        if len(values) >= _MOST.get(name, CAP_ELEMENTS):
            findings.structure(here, "too-many", f"send at most {_MOST[name]} <{name}>")
            break
        values.append(
            _gather(child, kind, here, findings) if isinstance(kind, Shape) else _text(child, kind, here, findings)
        )
    for name in sorted(shape.required - found.keys()):
        findings.structure(f"{path}/{name}", "missing", f"add <{name}>: an alert cannot be without it")
    return found


def _text(child: Element, kind: Text, path: str, findings: Findings) -> str:
    value: str = child.text or ""
    if len(child):
        findings.structure(path, "children", "put text here, not elements")
        return value
    if kind.accepts is None:
        return value
    value = value or kind.default
    if not kind.is_literal:
        value = collapse(value)
    if not kind.accepts(value):
        findings.structure(path, "value", f"write {kind.means}; it says {_shown(value)}")
    return value


def _misplaced(tag: object, path: str, findings: Findings, *, is_known: bool) -> None:
    if not isinstance(tag, str):
        findings.structure(path, "entity", "write the character itself instead of an entity")
    elif is_known:
        findings.structure(path, "order", f"put <{etree.QName(tag).localname[:40]}> before the signature")
    else:
        name = etree.QName(tag)
        findings.structure(
            f"{path}/{name.localname[:40]}", "unexpected", "remove it: the schema has no such element here"
        )


def _attributes(root: Element, findings: Findings) -> None:
    """CAP has no attributes; only hints where a schema lies may stand, and what is in a signature is its own."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for name in node.attrib:
            if name not in _HINTS:
                where = etree.QName(node).localname[:40]
                findings.structure(where, "attribute", f"remove the attribute {_shown(name)}: CAP has none")
        waiting += [child for child in node if isinstance(child.tag, str) and not child.tag.startswith(_SIGNED)]


def _shown(value: str) -> str:
    return repr(value.strip()[:40])
