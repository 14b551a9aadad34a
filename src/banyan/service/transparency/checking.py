"""The page `/transparency/check`: a receipt is checked in the reader's own browser, by the keys that came with it.

Once it is open it asks for nothing more: it works without a network, and what is checked is sent nowhere.
"""

from __future__ import annotations

from typing import Final

from banyan.kernel.catalogue import FaceRequest, View
from banyan.kernel.catalogue.messages import load_messages
from banyan.service.transparency.operations import Nothing
from banyan.service.transparency.service import SERVICE

MESSAGES: Final = load_messages("banyan.service.transparency")
TITLE: Final = {"zh-Hant": "查驗收據", "en": "Check a receipt"}
SCRIPTS: Final = ("receipt-check.js", "receipt-page.js")
REASONS: Final = ("shape", "head", "entry", "keys", "signature", "signer", "quorum", "proof", "record", "browser")
WORDS: Final = (
    *("result", "holds", "fails", "record", "entry", "about", "origin", "index", "size", "root", "witnesses", "nobody"),
    *("unchecked", "unchecked_text"),
)
NAMES: Final = (
    *("at", "operation", "action", "receiver", "receiver_name", "system", "basis", "statute", "purpose", "fields"),
    *("reference", "request", "reveal_after", "kind", "commitment"),
)


@SERVICE.page("GET", path="/transparency/check", title=TITLE)
async def page(request: FaceRequest) -> View:
    lang, title = request.lang, TITLE[request.lang]
    standing = await request.call("transparency.standing", Nothing())

    def words(part: str, names: tuple[str, ...]) -> dict[str, str]:
        return {name: MESSAGES.text(f"{part}.{name}", lang) for name in names}

    pinned = {
        "keys": standing.keys,
        "witnesses": [one.key for one in standing.witnesses],
        "quorum": standing.quorum if standing.witnesses else 0,
    }
    values = {
        "words": {**words("told", WORDS), "refused": words("refused", REASONS), "names": words("name", NAMES)},
        "pinned": pinned,
        "scripts": SCRIPTS,
        "crumbs": ({"title": title, "path": ""},),
    }
    return View("transparency/check.html", values, title=title)
