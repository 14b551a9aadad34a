"""The book of offers and grants: found at once, over at its second, swapped whole."""

from __future__ import annotations

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.granting import Book
from banyan.kernel.exchange.road.model import Grant, Offer
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.identifiers import parse_client, parse_service

FLAG, CARD = parse_service("TW/GOV/NIA/border/travel-flag"), parse_service("TW/GOV/NHI/insurance/card-status")
HOSPITAL, OTHER = parse_client("TW/MED/H1/emergency"), parse_client("TW/MED/H1/archive")


def grant(until: float = 0.0) -> Grant:
    return Grant(HOSPITAL, FLAG, Rights([Endpoint()]), until=EpochS(until))


def test_nothing_granted_is_nothing_allowed() -> None:
    book = Book([Offer(FLAG, "REST", "gate:border.travel_flag")])
    assert book.grant(HOSPITAL, FLAG, EpochS(1.0)) is None
    book.put_grants([grant()])
    assert book.grant(HOSPITAL, FLAG, EpochS(1e12)) is not None
    assert book.grant(OTHER, FLAG, EpochS(1.0)) is None, "another subsystem of the same member is another client"
    assert book.grant(HOSPITAL, CARD, EpochS(1.0)) is None
    book.put_grants([])
    assert book.grant(HOSPITAL, FLAG, EpochS(1.0)) is None


def test_a_grant_is_over_at_its_second() -> None:
    book = Book()
    book.put_grants([grant(until=100.0)])
    assert book.grant(HOSPITAL, FLAG, EpochS(99.999)) is not None
    assert book.grant(HOSPITAL, FLAG, EpochS(100.0)) is None


def test_offers_are_found_by_service_and_by_subsystem() -> None:
    flag, card = Offer(FLAG, "REST", "gate:a.b"), Offer(CARD, "REST", "gate:c.d")
    book = Book([card, flag])
    assert book.offer(FLAG) == flag
    assert book.offers(CARD.provider) == (card,)
    assert set(book.all_offers()) == {flag, card}
    book.put_offers([flag])
    assert book.offer(CARD) is None
    assert book.offers(CARD.provider) == ()
