"""A draw: its list, tree, seed, order and allotment hold what anybody may expect of them."""

from __future__ import annotations

import hmac
from collections import Counter
from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.craft.draw import Entry, TicketTree, allot, canonical, packed, ranks, reserve, root, seed, ticket, unpacked
from banyan.craft.draw import winners as winners_of
from banyan.craft.draw.lots import rank
from banyan.craft.draw.tickets import NotCanonical, check_canonical
from banyan.wire.tlog.merkle import Unproven, check_inclusion, leaf_hash, root_of

KEY = bytes(range(32))
TICKETS = st.binary(min_size=32, max_size=32)
BYTE = st.integers(1, 9)
ENTRIES = st.builds(Entry, TICKETS, st.integers(0, 3), BYTE, BYTE)
LISTS = st.lists(ENTRIES, max_size=40, unique_by=lambda entry: entry.ticket).map(
    lambda some: canonical(map(packed, some))
)
SEED = sha256(b"a seed").digest()


def tickets(count: int) -> list[bytes]:
    return canonical(ticket(KEY, b"person %d" % one) for one in range(count))


def test_a_ticket_is_the_hmac_of_the_person_under_the_rounds_key() -> None:
    assert ticket(KEY, b"a person") == hmac.digest(KEY, b"a person", "sha256")
    assert ticket(KEY[::-1], b"a person") != ticket(KEY, b"a person")
    with pytest.raises(AssertionError):
        ticket(b"short", b"a person")


def test_repeats_count_once() -> None:
    once = tickets(50)
    assert canonical(once[::-1] + once) == once


def test_one_ticket_cannot_draw_twice_under_two_entries() -> None:
    entry = Entry(bytes(32), people=2)
    with pytest.raises(NotCanonical, match="twice"):
        canonical([packed(entry), bytes(32)])
    with pytest.raises(NotCanonical, match="not sorted"):
        check_canonical(tickets(3)[::-1])


@given(ENTRIES)
def test_an_entry_has_one_spelling(entry: Entry) -> None:
    assert unpacked(packed(entry)) == entry
    assert (len(packed(entry)) == 32) == (entry == Entry(entry.ticket))


@pytest.mark.parametrize("tail", [b"\x00", b"\x00\x01\x01", b"\x00\x00\x01", b"\x01\x01\x00", b"\x01\x01\x01\x01"])
def test_what_packed_never_gives_is_refused(tail: bytes) -> None:
    with pytest.raises(NotCanonical):
        unpacked(bytes(32) + tail)


@given(LISTS)
def test_the_tree_is_rfc_6962s_and_every_entry_is_proven_by_its_path(entries: list[bytes]) -> None:
    def read(level: int, index: int) -> bytes:
        part = entries[index << level : (index + 1) << level]
        return leaf_hash(part[0]) if level == 0 else TicketTree.over(part).root

    tree = TicketTree.over(entries)
    assert tree.root == root(entries) == root_of(len(entries), read)
    for index, entry in enumerate(entries):
        check_inclusion(index, len(entries), leaf_hash(entry), tree.path(index), tree.root)
    if len(entries) > 1:
        with pytest.raises(Unproven):
            check_inclusion(1, len(entries), leaf_hash(entries[0]), tree.path(1), tree.root)


def test_the_seed_hangs_on_each_of_its_three_parts() -> None:
    parts = [sha256(name).digest() for name in (b"root", b"randomness", b"nonce")]
    assert seed(*parts) == sha256(b"".join(parts)).digest()
    assert len({seed(*some) for some in permutations(parts)}) == 6
    with pytest.raises(AssertionError):
        seed(parts[0], parts[1], b"short")


@given(LISTS)
def test_the_order_is_that_of_the_ranks_and_loses_nobody(entries: list[bytes]) -> None:
    drawn = ranks(SEED, entries)
    assert sorted(drawn) == entries
    assert drawn == sorted(entries, key=lambda entry: rank(SEED, entry))


def test_a_bare_ticket_ranks_by_the_hash_of_seed_and_ticket() -> None:
    some = tickets(30)
    assert ranks(SEED, some) == sorted(some, key=lambda one: sha256(SEED + one).digest())
    assert [*winners_of(ranks(SEED, some), 10), *reserve(ranks(SEED, some), 10)] == ranks(SEED, some)


@given(LISTS, st.integers(0, 100), st.dictionaries(st.integers(0, 3), st.integers(0, 20)))
def test_no_allotment_gives_too_much_loses_anybody_or_lets_anybody_pass(
    entries: list[bytes], places: int, shares: dict[int, int]
) -> None:
    drawn = ranks(SEED, entries)
    places += sum(shares.values())
    given_out = allot(drawn, places, shares)
    assert sorted(given_out.winners + given_out.reserve) == entries
    assert sum(unpacked(entry).people for entry in given_out.winners) == places - given_out.left
    for stratum in range(4):  # within a stratum who is drawn earlier never loses to who is drawn later
        own = [entry in given_out.winners for entry in drawn if unpacked(entry).stratum == stratum]
        assert own == sorted(own, reverse=True)
    for stratum, part in shares.items():  # a stratum has its own share, or all of its people
        own_entries = [unpacked(entry) for entry in drawn if unpacked(entry).stratum == stratum]
        won = sum(unpacked(entry).people for entry in given_out.winners if unpacked(entry).stratum == stratum)
        largest = max((entry.people for entry in own_entries), default=0)
        assert won > part - largest or won == sum(entry.people for entry in own_entries)
    if given_out.reserve:
        assert unpacked(given_out.reserve[0]).people > given_out.left


def test_shares_beyond_the_places_are_a_programmers_error() -> None:
    with pytest.raises(AssertionError):
        allot([], 3, {1: 4})


def test_each_lot_is_as_likely_as_any_other_to_be_drawn_first() -> None:
    """The proof by counting: over every order of the lots, who is first, and who is second among those left, comes up
    exactly as often as lots say."""
    lots = ("a", "a", "a", "b", "b", "c")
    first: Counter[str] = Counter()
    second: Counter[tuple[str, str]] = Counter()
    for order in permutations(range(len(lots))):
        drawn = list(dict.fromkeys(lots[at] for at in order))  # an entry ranks by its best lot
        first[drawn[0]] += 1
        second[drawn[0], drawn[1]] += 1
    total = sum(first.values())
    assert [first[name] * 6 for name in "abc"] == [total * share for share in (3, 2, 1)]
    assert second["a", "b"] * 3 == first["a"] * 2
    assert second["a", "c"] * 3 == first["a"]
    assert second["b", "a"] * 4 == first["b"] * 3
    assert second["c", "a"] * 5 == first["c"] * 3


def test_an_entry_of_many_lots_ranks_by_its_best() -> None:
    entry = packed(Entry(bytes(32), lots=3))
    assert rank(SEED, entry) == min(sha256(SEED + entry + tail).digest() for tail in (b"", b"\x01", b"\x02"))


def test_real_draws_come_up_as_often_as_lots_say() -> None:
    """2,000 seeds, fixed: 3 lots against 1 win 75 % of them; 1,425..1,575 is four standard deviations either way."""
    pair = canonical([packed(Entry(bytes(32), lots=3)), packed(Entry(bytes(31) + b"\x01"))])
    won = sum(ranks(sha256(b"%d" % one).digest(), pair)[0] == pair[0] for one in range(2_000))
    assert 1_425 <= won <= 1_575
