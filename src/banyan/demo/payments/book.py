"""The provider's books: charges, what came for them, what went back, and the words that tell of it. No I/O, no clock.

It does what real ones do: it takes what people pay, also twice, too little, too much or too late where the bank lets it
through; it tells each thing once or more, later or out of order; it answers too late though it has done what was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.rationing.preorder.payment import Ask, Back, Charge, Word, WordType

BANK: Final = "012"
CHARGES_MOST: Final = 10_000
"""Of one run: a demonstration has a few. The oldest go."""
WAITS: Final = (0.0, 5.0, 30.0, 120.0, 600.0, 3_600.0)
"""Seconds to the next try of a word that was not heard; after the last it is told only to who asks."""


class Faults(msgspec.Struct):
    """What goes wrong from now on. `words_lost` are never sent, `word_copies` of each are; `newest_first` turns a pile
    of words round; `answers_lost` requests are done and not answered; `refunds_refused` fail, `refunds_pend` are told
    later, `cards_refused` decline; `is_down` answers nothing and does nothing."""

    words_lost: int = 0
    word_copies: int = 1
    newest_first: bool = False
    answers_lost: int = 0
    refunds_refused: int = 0
    refunds_pend: bool = False
    cards_refused: int = 0
    is_down: bool = False


class Parcel(msgspec.Struct):
    """A word on its way."""

    word: Word
    due: float
    tries: int = 0


class Sent(msgspec.Struct, frozen=True):
    """A refund that was asked for."""

    payment: str
    amount: int
    back: Back


class Refused(Exception):
    """The provider's no: a status and a word."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Book:
    """One provider. `random` gives whole numbers below its argument; `pages` is where its card pages stand."""

    def __init__(self, clock: Callable[[], float], random: Callable[[int], int]) -> None:
        self.clock, self.random = clock, random
        self.faults = Faults()
        self.pages = ""
        self.charges: dict[str, Charge] = {}
        self.asks: dict[str, Ask] = {}
        self.words: dict[str, list[Word]] = {}
        self.refunds: dict[str, Sent] = {}
        self.parcels: list[Parcel] = []
        self._count = 0

    def charge(self, ask: Ask) -> Charge:
        """Asked again it is the same. Raises Refused for another charge under one reference."""
        if (known := self.charges.get(ask.reference)) is not None:
            before = self.asks[ask.reference]
            if (before.method, before.amount) != (ask.method, ask.amount):
                raise Refused(409, "reference: it belongs to another charge")
            return known
        while len(self.charges) >= CHARGES_MOST:
            oldest = next(iter(self.charges))
            for kept in (self.charges, self.asks, self.words):
                kept.pop(oldest, None)
        number = f"{self.random(10**13):013}"
        made = Charge(ask.reference, "open")
        if ask.method == "atm":
            made = msgspec.structs.replace(made, bank=BANK, account=f"9{number}")
        elif ask.method == "card":
            made = msgspec.structs.replace(made, page=f"{self.pages}/card/{ask.reference}")
        else:
            made = msgspec.structs.replace(made, slip=f"BYN{number}")
        self.charges[ask.reference] = made
        self.asks[ask.reference] = ask
        return made

    def look(self, reference: str) -> tuple[Charge, tuple[Word, ...]]:
        return self._found(reference), tuple(self.words.get(reference, ()))

    def cancel(self, reference: str) -> Charge:
        """Take nothing more; what is paid stays paid."""
        found = self._found(reference)
        if found.state in ("open", "failed"):
            found = self.charges[reference] = msgspec.structs.replace(found, state="cancelled")
        return found

    def refund(self, reference: str, payment: str, key: str, amount: int) -> Back:
        """Asked again under its key it is the same. Raises Refused beyond what was paid."""
        if (known := self.refunds.get(key)) is not None:
            return known.back
        self._found(reference)
        paid = next((one.amount for one in self.words.get(reference, ()) if one.id == payment), 0)
        gone = sum(one.amount for one in self.refunds.values() if one.payment == payment and one.back.state != "failed")
        if not 0 < amount <= paid - gone:
            raise Refused(409, "amount: more than this payment has left")
        is_refused = self.faults.refunds_refused > 0
        self.faults.refunds_refused -= is_refused
        back = Back("failed" if is_refused else "done")
        self.refunds[key] = Sent(payment, amount, back)
        if not self.faults.refunds_pend:
            return back
        self.tell("refund.failed" if is_refused else "refund.done", reference, amount, key=key)
        return Back("pending")

    def pay(self, reference: str, amount: int, at: float | None = None) -> Word:
        """Somebody pays, at a bank, a page or a till. A cancelled charge takes nothing. Raises Refused."""
        found = self._found(reference)
        if found.state == "cancelled":
            raise Refused(409, "this charge takes nothing any more")
        received = found.received + amount
        state = "paid" if received >= self.asks[reference].amount else found.state
        self.charges[reference] = msgspec.structs.replace(found, received=received, state=state)
        return self.tell("payment.received", reference, amount, at=at)

    def pay_by_card(self, reference: str) -> bool:
        """The page's button; False when the bank declines."""
        if self.faults.cards_refused:
            self.faults.cards_refused -= 1
            self.tell("payment.failed", reference, 0)
            return False
        self.pay(reference, self.asks[reference].amount)
        return True

    def by_account(self, account: str) -> str:
        """The reference behind a transfer number or a slip; empty for none."""
        return next((ref for ref, one in self.charges.items() if account and account in (one.account, one.slip)), "")

    def due(self) -> list[Parcel]:
        """Words to send now, in the order of the faults; who sends them says whether each was heard."""
        now = self.clock()
        found = sorted((one for one in self.parcels if one.due <= now), key=lambda one: one.word.at)
        return found[::-1] if self.faults.newest_first else found

    def was_sent(self, parcel: Parcel, *, is_heard: bool) -> None:
        """Heard words go; others come again, later each time."""
        if not is_heard and parcel.tries + 1 < len(WAITS):
            parcel.tries += 1
            parcel.due = self.clock() + WAITS[parcel.tries]
        else:
            self.parcels.remove(parcel)

    def loses_answer(self) -> bool:
        """Whether this request is done and not answered."""
        is_lost = self.faults.answers_lost > 0
        self.faults.answers_lost -= is_lost
        return is_lost

    def tell(
        self,
        type: WordType,
        reference: str,
        amount: int,
        *,
        key: str = "",
        at: float | None = None,
    ) -> Word:
        """A new word, of something that happened `at` (default: now)."""
        self._count += 1
        moment = EpochS(self.clock() if at is None else at)
        word = Word(f"evt_{self._count:08}", type, reference, amount, moment, key)
        self.words.setdefault(reference, []).append(word)
        if self.faults.words_lost:
            self.faults.words_lost -= 1
        else:
            self.parcels += [Parcel(word, self.clock()) for _ in range(self.faults.word_copies)]
        return word

    def _found(self, reference: str) -> Charge:
        if (found := self.charges.get(reference)) is None:
            raise Refused(404, "reference: no charge was asked for by it")
        return found
