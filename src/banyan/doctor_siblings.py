"""What this gateway says of the other gateways of its members, as the exchange doctor asks it: it alone knows what each
has heard.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from typing import Final

import msgspec

from banyan.doctor_checks import Finding, asked
from banyan.errors import UNREADABLE
from banyan.kernel.events.clock import Clock, iso
from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.siblings.model import BEHIND_PATH, Behind

_DECODER: Final = msgspec.json.Decoder(tuple[Behind, ...])


def of_siblings(own: Route, context: ssl.SSLContext, clock: Clock) -> Iterator[Finding]:
    """Who has not heard of grants or their ends, and who offers something otherwise."""
    try:
        answer = asked(own, context, BEHIND_PATH, clock)
        found = _DECODER.decode(answer.body) if answer.status == 200 else ()
    except (OSError, http.client.HTTPException, *UNREADABLE):
        return  # it does not run, which is said where its clients call it
    for one in found:
        if one.unheard.acts:
            yield _behind(one)
        if one.others:
            yield Finding(
                "note",
                "sibling-offers",
                one.server,
                f"It and this gateway do not offer alike: {', '.join(one.others)}.",
                "Compare [[road.offers]] in the node.toml of both machines; calls go by either.",
            )


def _behind(one: Behind) -> Finding:
    ended, since = one.unheard.ended, iso(one.unheard.since)
    what = f"{ended} withdrawn {'grant' if ended == 1 else 'grants'}" if ended else f"{one.unheard.acts} acts on grants"
    return Finding(
        "wrong" if ended else "note",
        "sibling-behind",
        one.server,
        f"It has not heard of {what} of {one.member} since {since}. {one.why}".rstrip(),
        "Let this gateway reach it; until it hears it allows what it did. Stop it where that cannot wait.",
    )
