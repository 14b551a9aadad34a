"""What kind of app an address leads to, by its content rather than by what it says of itself."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urljoin

from banyan.errors import Invalid
from banyan.kit.claims import App, Taken
from banyan.kit.csv_apps import read_csv
from banyan.kit.fetching import Take
from banyan.kit.html_apps import read_html
from banyan.kit.json_apps import places_link, read_json
from banyan.kit.wording import refusal

_BIG5: Final = "cp950"


def understood(taken: Taken, take: Take) -> App:
    """The app. A stock pack's places are taken too. Raises Invalid when nothing in the document is stock."""
    text = _text(taken.body)
    app = _app(text, taken, take)
    if app is None or not app.claims:
        raise refusal(Invalid, "not_recognised", url=taken.url)
    return app


def _app(text: str, taken: Taken, take: Take) -> App | None:
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        document = _json(text)
        if document is None:
            return None
        link = places_link(document)
        return read_json(document, _json(_text(take(urljoin(taken.url, link)).body)) if link else None)
    return read_html(text) if start == "<" else read_csv(text)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(_BIG5, errors="replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
