"""A stranger's XML as a tree, safely: bounded, no document type, no entities, no network, nothing loaded.

`wire/xmltext.parse` does the same over the standard library; this one is for what is canonicalised and read by the
thousand (lxml, libxml2), and gives the tree with or without comments.
"""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from banyan.errors import Invalid, Limit

Element = Any
"""An element of lxml, which has no types."""

_OPTIONS: Final = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
}
_HEAD: Final = 4_096  # octets in which a document type is looked for before anything is parsed


def parse(body: bytes, *, at_most: int, is_exact: bool = False) -> Element:
    """The root element; `is_exact` keeps comments and instructions, as a signature over them needs.

    Raises Invalid (not well formed, or a document type) or Limit (more than `at_most` octets).
    """
    if len(body) > at_most:
        raise Limit("CAP_BYTES", remedy=f"Send at most {at_most} bytes of XML.")
    if b"<!DOCTYPE" in body[:_HEAD]:
        raise _doctype()
    parser = etree.XMLParser(**_OPTIONS, remove_comments=not is_exact, remove_pis=not is_exact)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid(f"XML: {str(error)[:200]}", remedy="Send well-formed XML.", kind="not-xml") from None
    except ValueError as error:
        raise Invalid(f"XML: {str(error)[:200]}", remedy="Send well-formed XML.", kind="not-xml") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return root


def encoding_of(root: Element) -> str:
    """The encoding the document was in, as libxml2 understood it."""
    return str(root.getroottree().docinfo.encoding or "UTF-8").upper()


def _doctype() -> Invalid:
    return Invalid(
        "XML: a document type declaration is not accepted",
        remedy="Remove <!DOCTYPE ...> and its entities.",
        kind="doctype",
    )
