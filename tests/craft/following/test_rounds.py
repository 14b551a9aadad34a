"""A round over another's feed: what is new, from where it may lie, each alert with its verdict; nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.make import shared_data
from tests.wire.cap.make import SENT, an_alert

from banyan.craft.following.rounds import Fetched, Round, Source, State, go_round
from banyan.errors import Unavailable
from banyan.limits_alerts import FOLLOW_FETCHES
from banyan.wire.cap import signing, writing
from banyan.wire.cap.register import Register, pin
from banyan.wire.cap.signing import Seal

FEED = "https://alerts.ncdr.example/RssAtomFeed.ashx"
SOURCE = Source(FEED)


def feed(*names: str, host: str = "alerts.ncdr.example", updated: str = "2026-11-27T00:00:00Z") -> bytes:
    entries = "".join(
        f"<entry><id>{name}</id><title>t</title><updated>{updated}</updated>"
        f'<link rel="alternate" href="https://{host}/{name}.cap"/></entry>'
        for name in names
    )
    head = "<id>f</id><title>t</title><updated>2026-11-27T00:00:00Z</updated>"
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{entries}</feed>'.encode()


class Web:
    """What others serve, by address; every call is noted with its headers."""

    def __init__(self, pages: Mapping[str, Fetched]) -> None:
        self.pages = dict(pages)
        self.calls: list[tuple[str, Mapping[str, str]]] = []

    async def fetch(self, address: str, headers: Mapping[str, str], at_most: int) -> Fetched:
        self.calls.append((address, headers))
        page = self.pages.get(address)
        if page is None or len(page.body) > at_most:
            raise Unavailable("no answer")
        if page.etag and headers.get("If-None-Match") == page.etag:
            return Fetched(304)
        return page


def cap(name: str, **changes: object) -> Fetched:
    return Fetched(200, writing.write(an_alert(identifier=name, **changes)))


def once(web: Web, state: State = State(), register: Register = Register(), source: Source = SOURCE) -> Round:  # noqa: B008
    return asyncio.run(go_round(source, state, web.fetch, register=register))


def test_what_is_new_is_fetched_once_and_the_feed_by_its_etag() -> None:
    web = Web({FEED: Fetched(200, feed("a", "b"), etag='"1"'), f"https://{HOST}/a.cap": cap("a"),
               f"https://{HOST}/b.cap": cap("b")})  # fmt: skip
    first = once(web)
    assert [each.alert.identifier for each in first.taken if each.alert is not None] == ["a", "b"]
    assert all(each.is_named_so and each.verdict.is_valid for each in first.taken)
    assert [each.seals[0].seal for each in first.taken] == [Seal.NONE, Seal.NONE]
    web.calls.clear()
    again = once(web, first.state)
    assert (again.is_changed, again.taken, web.calls) == (False, (), [(FEED, {"If-None-Match": '"1"'})])
    web.pages |= {FEED: Fetched(200, feed("b", "c"), etag='"2"'), f"https://{HOST}/c.cap": cap("c")}
    third = once(web, first.state)
    assert [each.entry.id for each in third.taken] == ["c"]
    assert {key.split()[0] for key in third.state.taken} == {"b", "c"}


HOST = "alerts.ncdr.example"


def test_what_could_not_be_fetched_is_asked_for_again() -> None:
    web = Web({FEED: Fetched(200, feed("a", "b"), etag='"1"'), f"https://{HOST}/a.cap": cap("a"),
               f"https://{HOST}/b.cap": Fetched(500)})  # fmt: skip
    first = once(web)
    assert [each.entry.id for each in first.taken] == ["a"]
    assert first.failed == ((f"https://{HOST}/b.cap", "it answered 500"),)
    assert first.state.etag == "", "with the mark kept, 304 would hide what is missing"
    web.pages[f"https://{HOST}/b.cap"] = cap("b")
    assert [each.entry.id for each in once(web, first.state).taken] == ["b"]
    del web.pages[FEED]
    down = once(web, first.state)
    assert (down.state, down.failed) == (first.state, ((FEED, "no answer"),))


@pytest.mark.parametrize("host", ["169.254.169.254", "localhost:8000", "alerts.ncdr.example.evil.example"])
def test_a_feed_cannot_send_us_elsewhere(host: str) -> None:
    web = Web({FEED: Fetched(200, feed("a", host=host))})
    found = once(web)
    assert [address for address, _ in web.calls] == [FEED]
    assert found.failed[0][1] == "this source may not send us to that host"


def test_another_host_is_followed_when_the_source_names_it() -> None:
    web = Web({FEED: Fetched(200, feed("a", host="files.example")), "https://files.example/a.cap": cap("a")})
    assert len(once(web, source=Source(FEED, ("files.example",))).taken) == 1


def test_a_round_is_bounded_and_the_rest_comes_next() -> None:
    names = [f"n{at}" for at in range(FOLLOW_FETCHES + 3)]
    web = Web(
        {FEED: Fetched(200, feed(*names), etag='"1"')} | {f"https://{HOST}/{name}.cap": cap(name) for name in names}
    )
    first = once(web)
    assert len(first.taken) == FOLLOW_FETCHES
    second = once(web, first.state)
    assert len(second.taken) == 3
    assert second.state.etag == '"1"'


def test_an_update_of_the_same_entry_and_another_name_are_seen() -> None:
    web = Web({FEED: Fetched(200, feed("a")), f"https://{HOST}/a.cap": cap("other")})
    first = once(web)
    assert not first.taken[0].is_named_so
    web.pages[FEED] = Fetched(200, feed("a", updated="2026-11-27T01:00:00Z"))
    assert len(once(web, first.state).taken) == 1


def test_what_is_broken_is_taken_with_its_verdict_and_a_broken_feed_says_so() -> None:
    xee = shared_data("alerts/cap/xee.cap").read_bytes()
    web = Web({FEED: Fetched(200, feed("a")), f"https://{HOST}/a.cap": Fetched(200, xee)})
    (taken,) = once(web).taken
    assert taken.alert is None
    assert [each.code for each in taken.verdict.findings] == ["doctype"]
    broken = once(Web({FEED: Fetched(200, shared_data("alerts/feeds/pelmorex.atom").read_bytes())}))
    assert (broken.taken, [each.code for each in broken.findings]) == ((), ["not-xml"])


def test_a_pinned_senders_alert_says_so() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(SENT - day).not_valid_after(SENT + day).sign(key, hashes.SHA256())
    )  # fmt: skip
    pinned = Register((pin("alerts@example.tw", certificate.public_bytes(Encoding.PEM)),))
    signed = signing.sign(writing.write(an_alert(identifier="a")), key, certificate)
    web = Web({FEED: Fetched(200, feed("a")), f"https://{HOST}/a.cap": Fetched(200, signed)})
    assert once(web, register=pinned).taken[0].seals[0].seal is Seal.GOOD
