"""A stand-in for the part of Solr that CKAN needs to create a data set: `/update` keeps documents in memory, `/select`
finds them by `name:"…"` or `id:"…"`, else gives all. It does not search: CKAN's search cannot be measured with it.

    python bench/_ckan_solr.py PORT
"""

from __future__ import annotations

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ASKED = re.compile(r'\b(?:name|id):"([^"]+)"')
SCHEMA = '<?xml version="1.0" encoding="UTF-8"?><schema name="ckan-2.12" version="1.6"/>'
DONE = {"responseHeader": {"status": 0, "QTime": 0}}
documents: dict[str, dict[str, Any]] = {}


def select(query: dict[str, str]) -> dict[str, Any]:
    """The page of documents that `q` names."""
    asked = set(ASKED.findall(query.get("q", "")))
    found = [one for one in list(documents.values()) if not asked or asked & {one["id"], one.get("name")}]
    start, rows = int(query.get("start", 0)), int(query.get("rows", 10))
    page = {"numFound": len(found), "start": start, "docs": found[start : start + rows]}
    return DONE | {"response": page, "facet_counts": {"facet_queries": {}, "facet_fields": {}}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _answer(self, body: str) -> None:
        address = urlsplit(self.path)
        text = json.dumps(DONE)
        if "/schema" in address.path:
            text = SCHEMA
        elif "/select" in address.path:
            form = parse_qs(address.query) | parse_qs(body)
            text = json.dumps(select({name: values[-1] for name, values in form.items()}))
        elif body.lstrip().startswith("["):  # documents to add; a commit or a delete, in XML, changes nothing here
            documents.update({one["id"]: one for one in json.loads(body)})
        encoded = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml" if text is SCHEMA else "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
