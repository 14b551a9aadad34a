"""XML in and out, safely. Out: escaped, without forbidden characters. In: no DTD, no entities, bounded size and depth.

Source: XML 1.0 (fifth edition) s2.2, s2.8; billion-laughs and external-entity attacks need a DTD, so a DTD is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Never
from xml.etree import ElementTree
from xml.parsers import expat

from banyan import limits
from banyan.errors import Invalid, Limit

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ATTRIBUTE = {**_TEXT, '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
_IN_TEXT = re.compile(r"[&<>\r]")
_IN_ATTRIBUTE = re.compile(r'[&<>\r"\n\t]')


def text(value: str) -> str:
    """Character data; what XML cannot carry becomes U+FFFD."""
    return _IN_TEXT.sub(lambda match: _TEXT[match.group()], _FORBIDDEN.sub("\ufffd", value))


def element(name: str, value: str = "", attributes: Mapping[str, str] | None = None, *, inner: str = "") -> str:
    """`<name a="b">value inner</name>`: `value` is escaped, `inner` is already XML; empty ones close themselves."""
    marks = "".join(f' {key}="{_attribute(mark)}"' for key, mark in (attributes or {}).items())
    body = text(value) + inner
    return f"<{name}{marks}>{body}</{name}>" if body else f"<{name}{marks}/>"


def parse(body: bytes) -> ElementTree.Element:
    """The document's root. Raises Invalid (not well formed, or a DTD) or Limit (size, depth)."""
    if len(body) > limits.XML_BYTES:
        raise Limit("XML_BYTES", remedy=f"Send at most {limits.XML_BYTES} bytes of XML.")
    builder = ElementTree.TreeBuilder()
    depth = 0

    def start(name: str, pairs: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > limits.XML_DEPTH:
            raise Limit("XML_DEPTH", remedy=f"Nest at most {limits.XML_DEPTH} elements.")
        builder.start(_clark(name), {_clark(key): value for key, value in pairs.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_clark(name))

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Invalid(f"XML: {error}", remedy="Send well-formed XML.") from error
    return builder.close()


def _clark(name: str) -> str:
    """expat's `uri}name` as ElementTree's `{uri}name`."""
    return "{" + name if "}" in name else name


def _refuse_doctype(*_: object) -> Never:
    raise Invalid("XML: a document type declaration is not accepted", remedy="Remove <!DOCTYPE ...> and entities.")


def _attribute(value: str) -> str:
    return _IN_ATTRIBUTE.sub(lambda match: _ATTRIBUTE[match.group()], _FORBIDDEN.sub("\ufffd", value))
