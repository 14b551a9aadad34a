"""Read a stranger's feed of alerts: Atom (RFC 4287) or RSS 2.0, with links to CAP documents or the alerts themselves.

NCDR's form: the entry's id is the CAP identifier, `link rel=alternate` leads to the .cap file, `category term` is the
event, and an entry may carry `status` and `msgType`. USGS links the CAP as `rel=related` by its media type; Canada and
the amber alerts put the alert into `content`. A feed that is broken keeps what can be read, and the findings say what
is wrong: half a list of warnings is worth more than none.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec
from lxml import etree

from banyan.errors import Invalid, Limit
from banyan.limits_alerts import FEED_BYTES, FEED_ENTRIES
from banyan.wire.cap.document import Element, parse
from banyan.wire.cap.model import MEDIA_TYPE
from banyan.wire.cap.shapes import NAMESPACES
from banyan.wire.cap.verdict import Finding, Findings, Layer

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_ALERTS: Final = frozenset(f"{{{space}}}alert" for space in NAMESPACES.values())


class Entry(msgspec.Struct, frozen=True):
    """`link` is where the CAP document is (http or https), empty when the alert is in `alert` itself."""

    id: str
    title: str
    updated: str
    link: str = ""
    category: str = ""
    status: str = ""
    msg_type: str = ""
    author: str = ""
    summary: str = ""
    alert: bytes = b""
    """The alert's own document, when the feed carries it."""


class Index(msgspec.Struct, frozen=True):
    """`kind` is atom or rss, empty when the document is neither."""

    kind: str
    title: str = ""
    updated: str = ""
    entries: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_valid(self) -> bool:
        return bool(self.kind) and all(each.layer is Layer.MEANING for each in self.findings)


def read(body: bytes) -> Index:
    """The feed and what is wrong with it. Never raises for what it holds."""
    findings = Findings()
    try:
        root = parse(body, at_most=FEED_BYTES)
    except (Invalid, Limit) as problem:
        code = "too-large" if isinstance(problem, Limit) else problem.kind
        found = Finding("", code, f"{problem.title[:200]}. {problem.remedy}", Layer.XML)
        return Index("", findings=(found,))
    if root.tag == f"{_ATOM}feed":
        return _atom(root, findings)
    if root.tag == "rss":
        return _rss(root, findings)
    name = etree.QName(root).localname[:40]
    findings.structure(name, "format", "send an Atom feed or RSS 2.0; a single alert goes to the alerts' reader")
    return Index("", findings=tuple(findings.found))


def _atom(root: Element, findings: Findings) -> Index:
    for name in ("id", "title", "updated"):
        if not _text(root, f"{_ATOM}{name}"):
            findings.structure(f"feed/{name}", "missing", f"add <{name}>: RFC 4287 s4.1.1 asks for it")
    for child in root:
        tag = etree.QName(child)
        if tag.namespace is None or (tag.namespace == _ATOM[1:-1] and tag.localname not in _FEED):
            findings.structure(f"feed/{tag.localname[:40]}", "unexpected", "remove it: Atom has no such element")
        elif child.tag in _ALERTS:
            findings.warning("feed/alert", "outside-entry", "put the alert into an <entry>: outside it nobody reads it")
    nodes = root.findall(f"{_ATOM}entry")
    entries = [_entry(node, f"feed/entry[{at}]", findings) for at, node in enumerate(nodes[:FEED_ENTRIES], 1)]
    if len(nodes) > FEED_ENTRIES:
        findings.warning("feed", "too-many", f"only the first {FEED_ENTRIES} entries were read: split the feed")
    kept = tuple(each for each in entries if each is not None)
    return Index("atom", _text(root, f"{_ATOM}title"), _text(root, f"{_ATOM}updated"), kept, tuple(findings.found))


_FEED: Final = frozenset(
    ("author", "category", "contributor", "entry", "generator", "icon", "id", "link", "logo", "rights", "subtitle",
     "title", "updated")
)  # fmt: skip


def _entry(node: Element, path: str, findings: Findings) -> Entry | None:
    before = len(findings.found)
    for name in ("id", "title", "updated"):
        if not _text(node, f"{_ATOM}{name}"):
            findings.structure(f"{path}/{name}", "missing", f"add <{name}>: RFC 4287 s4.1.2 asks for it")
    alert = _carried(node)
    link = "" if alert else _link(node, path, findings)
    if not alert and not link:
        if len(findings.found) == before:
            findings.structure(path, "no-alert", "link the CAP document (rel=alternate), or put it into <content>")
        return None
    terms = [each.get("term") or "" for each in node.findall(f"{_ATOM}category")]
    return Entry(
        id=_text(node, f"{_ATOM}id"),
        title=_text(node, f"{_ATOM}title"),
        updated=_text(node, f"{_ATOM}updated"),
        link=link,
        category=next(filter(None, terms), ""),
        status=_any(node, "status"),
        msg_type=_any(node, "msgType"),
        author=_text(node, f"{_ATOM}author/{_ATOM}name"),
        summary=_text(node, f"{_ATOM}summary"),
        alert=alert,
    )


def _link(node: Element, path: str, findings: Findings) -> str:
    """The CAP document's address: by its media type, else the alternate one."""
    links = node.findall(f"{_ATOM}link")
    typed = [each for each in links if (each.get("type") or "").partition(";")[0].strip() == MEDIA_TYPE]
    plain = [each for each in links if each.get("rel") in (None, "alternate")]
    for each in (*typed, *plain):
        href = (each.get("href") or "").strip()
        if _is_web(href):
            return href
        findings.warning(f"{path}/link", "link", "give the full http or https address of the alert")
    return ""


def _rss(root: Element, findings: Findings) -> Index:
    channel = root.find("channel")
    if channel is None:
        findings.structure("rss/channel", "missing", "add <channel>")
        return Index("rss", findings=tuple(findings.found))
    for name in ("title", "link", "description"):
        if not _text(channel, name):
            findings.structure(f"rss/channel/{name}", "missing", f"add <{name}>: RSS 2.0 asks for it")
    entries = []
    for at, node in enumerate(channel.findall("item")[:FEED_ENTRIES], 1):
        path = f"rss/channel/item[{at}]"
        link = _text(node, "link")
        if not _text(node, "title") and not _text(node, "description"):
            findings.structure(path, "missing", "add <title> or <description>: RSS 2.0 asks for one of them")
        if not _is_web(link):
            findings.structure(path, "no-alert", "give the full http or https address of the alert in <link>")
            continue
        made = Entry(
            id=_text(node, "guid") or link,
            title=_text(node, "title"),
            updated=_text(node, "pubDate"),
            link=link,
            category=_text(node, "category"),
            summary=_text(node, "description"),
        )
        entries.append(made)
    title, updated = _text(channel, "title"), _text(channel, "lastBuildDate") or _text(channel, "pubDate")
    return Index("rss", title, updated, tuple(entries), tuple(findings.found))


def _carried(node: Element) -> bytes:
    """The alert inside `content`, as a document of its own."""
    for content in node.findall(f"{_ATOM}content"):
        for child in content:
            if child.tag in _ALERTS:
                made: bytes = etree.tostring(child, encoding="UTF-8", xml_declaration=True, with_tail=False)
                return made
    return b""


def _any(node: Element, name: str) -> str:
    """NCDR's `status` and `msgType`, in whichever namespace they stand."""
    for child in node:
        if etree.QName(child).localname == name:
            return (child.text or "").strip()
    return ""


def _text(node: Element, path: str) -> str:
    return (node.findtext(path) or "").strip()


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
