"""The seam of rationing: what the engine is told, what it answers, and what holds whatever happens.

A person is a 16-byte keyed pseudonym; what a rule asks about her comes with the command as facts and is not kept. A
command has a key of 16 bytes (terminal 8, big-endian counter 8), which a terminal without a network mints too: the same
key gives the same receipt for ever, another command under it is refused. A refusal changes nothing and is not kept;
whoever tries again after one takes a new key. Time is the log's own, which never goes back.

For each outlet and item, always (`Stock`):
    available = delivered + corrected + returned + short - sold - reserved - leased,    every part >= 0 but corrected
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Literal, Protocol

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.service.rationing.engine.rulebook import Edition, Kind, RuleBook

Code = Literal[
    "quota_reached",  # `left` of `up_to` may be bought now, more from `next_from`
    "too_early_by_parity",  # the number's parity has its day at `next_from`
    "not_of_age",
    "not_this_kind",  # the item is not sold on this kind of document
    "not_this_channel",
    "too_many_proxies",  # the one who came carries too many other persons' cards today
    "closed",  # sales rest today; open from `next_from`
    "unknown_rule",  # no rule in force names the item
    "no_stock",  # `left` units are available at the outlet
    "key_reused",  # the key belongs to another command: mint a new one
    "unknown_ref",  # no reservation or lease has this key
    "expired",
    "already_posted",
    "already_voided",
    "not_sold",  # a return of more than was sold
    "lease_used_up",  # never from the engine: offline devices say it
    "in_the_past",  # a rule cannot begin before today
    "bad_command",  # a quantity, name or time out of bounds: `field` says which
]
State = Literal["pending", "posted", "voided", "expired"]


class Buyer(msgspec.Struct, frozen=True):
    """Whose quota it is. `parity`: the last digit of the number modulo 2, None for who has no such number."""

    person: bytes
    born: date
    parity: int | None = None
    kind: Kind = "citizen"


class Deliver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Units arrive."""

    key: bytes
    outlet: str
    item: str
    qty: int


class Return(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Sold units come back into stock (a forfeited order, a mistaken sale). With `person` and `of` (the sale's key) her
    quota comes back as well; without, it stays used."""

    key: bytes
    outlet: str
    item: str
    qty: int
    person: bytes = b""
    of: bytes = b""


class Correct(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A count differs from the book: `delta` units more or fewer (damaged, sent back, counted)."""

    key: bytes
    outlet: str
    item: str
    delta: int
    reason: str = "counted"


class Buy(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """`collected_by`: the pseudonym of who came with the buyer's card, when it is somebody else."""

    key: bytes
    buyer: Buyer
    item: str
    qty: int
    outlet: str
    channel: str = "pharmacy"
    collected_by: bytes = b""


class Reserve(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Quota and stock are held until `expires_at`; then exactly one of posted, voided, expired. Its key is its `ref`.
    With `ignores_day` the day's rules (parity, closed days) are not asked: an order for a later pickup."""

    key: bytes
    buyer: Buyer
    item: str
    qty: int
    outlet: str
    expires_at: EpochS
    channel: str = "online"
    collected_by: bytes = b""
    ignores_day: bool = False


class Post(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A reservation becomes a sale."""

    key: bytes
    ref: bytes


class Void(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A reservation is given up, or what is left of a lease comes back. With `keeps_quota` only the stock does."""

    key: bytes
    ref: bytes
    keeps_quota: bool = False


class Lease(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Stock handed to a device that sells without a network until `until`. It ends by Void (its key is the `ref`): only
    who knows that all receipts came in can say what is left."""

    key: bytes
    outlet: str
    item: str
    qty: int
    until: EpochS


class Merge(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One receipt of a device, under the key that it minted; many go through `do_each`, in any order. The goods are
    gone, so it is never refused for quota or stock: the receipt says how many units were `over` the quota (they count
    against the next window) and `short` (beyond the lease and the stock). `sold_at` is the device's, held within the
    lease's grant and now."""

    key: bytes
    lease: bytes
    buyer: Buyer
    item: str
    qty: int
    outlet: str
    sold_at: EpochS
    channel: str = "pharmacy"
    collected_by: bytes = b""


class SetRule(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """An edition of the rules, in force from its date until the next."""

    key: bytes
    edition: Edition


Command = Deliver | Return | Correct | Buy | Reserve | Post | Void | Lease | Merge | SetRule


class Receipt(msgspec.Struct, frozen=True):
    """Durable. `seq` is the command's place in the log. `over` and `short`: of Merge alone."""

    seq: int
    at: EpochS
    key: bytes
    over: int = 0
    short: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """Nothing changed. `next_from`: when it would be allowed, as far as is known; `left` units would be now."""

    code: Code
    next_from: EpochS | None = None
    left: int = 0
    up_to: int = 0
    field: str = ""


Answer = Receipt | Refusal


class Why(msgspec.Struct, frozen=True):
    """A reason as data; the words are `rationing.why.CODE` of the catalogues, with the `values`."""

    code: str
    values: dict[str, str | int] = {}


class Step(msgspec.Struct, frozen=True):
    """From `from_when` on, `up_to` units may be bought, if none are before."""

    from_when: EpochS
    up_to: int
    why: tuple[Why, ...] = ()


class Entitlement(msgspec.Struct, frozen=True):
    """What she may buy now (`may_buy` units of at most `of` per window) and when more (`steps`, the next first). It
    says nothing of where or when she bought."""

    item: str
    may_buy: int
    of: int
    from_when: EpochS | None
    up_to: int
    why: tuple[Why, ...] = ()
    steps: tuple[Step, ...] = ()


class Stock(msgspec.Struct, frozen=True):
    """One item at one outlet, in units, since the beginning."""

    available: int = 0
    delivered: int = 0
    corrected: int = 0
    returned: int = 0
    sold: int = 0
    reserved: int = 0
    leased: int = 0
    short: int = 0


class Event(msgspec.Struct, frozen=True):
    """One durable change, without the person. `what` is the command's name in lower case, or `expire`; `ref` the
    reservation or lease it settles; `stock` the outlet's after the group that it was written with."""

    seq: int
    at: EpochS
    what: str
    key: bytes
    outlet: str
    item: str
    qty: int
    stock: Stock
    ref: bytes = b""


Listener = Callable[[Sequence[Event]], None]


class Held(msgspec.Struct, frozen=True):
    """A reservation or a lease: `left` of `qty` is still held."""

    state: State
    outlet: str
    item: str
    qty: int
    left: int
    expires_at: EpochS
    is_lease: bool


class Engine(Protocol):
    """Every answer is durable when it is given. One engine a log."""

    async def do(self, command: Command) -> Answer:
        """Raises Limit when too many wait, Unavailable when the disk fails; then nothing is known of the command and it
        is sent again with the same key."""

    async def do_each(self, commands: Sequence[Command]) -> list[Answer]:
        """In their order, with as few flushes as may be; each stands alone."""

    async def entitlement(self, buyer: Buyer, item: str, at: EpochS | None = None) -> Entitlement:
        """What she may buy at `at` (default: now)."""

    async def stock(self, outlet: str, item: str) -> Stock: ...

    async def stocks(self) -> dict[tuple[str, str], Stock]:
        """All, by outlet and item."""

    async def held(self, ref: bytes) -> Held | None: ...

    async def receipt(self, key: bytes) -> Receipt | None:
        """The receipt of a key that was answered with one."""

    async def spent(self, item: str, least: int) -> Iterable[bytes]:
        """The persons who used `least` units or more of the item's window in force: the snapshot that an offline device
        carries is made of them."""

    async def tick(self) -> int:
        """Let what is due expire; how many did. Commands do it too: this is for quiet hours."""

    async def rules(self) -> RuleBook: ...

    async def state_hash(self) -> bytes:
        """SHA-256 of the whole state: the same log gives the same."""

    async def last_seq(self) -> int: ...

    async def close(self) -> None:
        """Wait for what is being written."""

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Be told of durable changes, in their order, on the event loop; returns the way to stop."""
