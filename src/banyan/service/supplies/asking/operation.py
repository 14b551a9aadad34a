"""The operation `ask`: where something can be had, in people's own words, answered from the board with as-of and age.

It says what an outlet reported and how old that is; what it does not know it says it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.place import county_names, town_names
from banyan.errors import Problem
from banyan.kernel.catalogue.dialogue import Choice, Grid, Reply, Source, Utterance
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.storage import fold
from banyan.limits import CARDS, CHAT_ROWS
from banyan.limits_supplies import SUPPLIES_NAMES, SUPPLIES_NEAREST
from banyan.service.supplies.asking.hearing import Heard, hear
from banyan.service.supplies.asking.names import Names, names_of
from banyan.service.supplies.asking.telling import MAP_PATH, Teller, distance
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.service import SERVICE

NOTHING = Reply("", 0.0)
SURE, NO_PLACE, NAMED_ONLY, NOWHERE = 1.0, 0.995, 0.9, 0.7
"""Every word was understood; nothing was said of where, so that it may be asked of the ration (我可以買幾個口罩); all
that was said is a code or a name, which may be asked of other tables too; the board has no outlet in the place that
was named, so a published table may know more."""
_SWITCHES = 4
FORECAST = "sold_out_when"


class Asking(msgspec.Struct, frozen=True):
    """One question at work: what was heard, who is asked, and the item the answer is about."""

    ctx: Context
    said: Utterance
    heard: Heard
    teller: Teller
    item: int

    def reply(self, text: str, score: float = SURE, **more: object) -> Reply:
        """An answer with its source: the map, as of the newest look at the item."""
        board, lang = self.teller.board, self.said.lang
        source = Source(SERVICE.title[lang], MAP_PATH, iso(board.as_of[self.item]) if board.as_of[self.item] else "")
        return msgspec.structs.replace(Reply(text, score, (source,)), **more)

    def switches(self, key: str, **values: object) -> tuple[Choice, ...]:
        """The same question for the other items, those of the same good first."""
        items, asked = self.teller.board.items, self.teller.board.items[self.item]
        rest = [one for one in range(len(items)) if one != self.item]
        others = sorted(rest, key=lambda one: not asked.family or items[one].family != asked.family)
        said = [self.teller.say(key, item=self.teller.title(one), **values) for one in others[:_SWITCHES]]
        return tuple(Choice(words, say=words) for words in said)


@SERVICE.operation(
    "ask",
    title={"zh-Hant": "用一句話問存量", "en": "Ask about stock"},
    summary={
        "zh-Hant": "用自己的話問：附近哪裡還有、某地還有多少、幾點發號碼牌。附資料時間；聽不懂時分數為 0。",
        "en": "Ask in your own words: where near me, how much in a town, does a place have any, when are number plates "
        "handed out. With as-of; score 0 when not understood.",
    },
    data=OPEN,
    audience="public",
    channels=("api", "chat", "mcp"),
)
async def ask(ctx: Context, request: Utterance) -> Reply:
    """A reply whose score is 0 when the question is not about stock, or what it names is not on the board."""
    kept = kept_of(ctx.db)
    board, names = kept.board, names_of(kept)
    if not board.items:
        return NOTHING
    heard = hear(request.text, board.items, names.known)
    item = board.item_of[heard.items[0]] if heard.items else 0
    asking = Asking(ctx, request, heard, Teller(board, ctx.now, request.lang), item)
    if heard.codes:
        return await _by_code(asking)
    if heard.name or heard.left:
        return await _by_name(asking, names)
    if heard.missing:
        present = asking.teller.say("ask.and").join(asking.teller.title(one) for one in range(len(board.items)))
        return Reply(asking.teller.say("ask.no_item", good=heard.missing, items=present), 0.0)
    if not (heard.items or heard.is_near or heard.asks_window or heard.asks_end or (heard.is_held and heard.spot)):
        return NOTHING
    if heard.spot is not None:
        return _in_area(asking)
    reply = _in_nation(asking)
    if request.place is not None and not heard.is_national:
        reply = _near_window(asking, request.place) if heard.asks_window else _near(asking, request.place)
    is_ours = heard.is_near or heard.is_national
    return reply if is_ours else msgspec.structs.replace(reply, score=min(reply.score, NO_PLACE))


# One outlet


async def _by_code(asking: Asking) -> Reply:
    heard, board = asking.heard, asking.teller.board
    row = next((board.row_of[code] for code in heard.codes if code in board.row_of), None)
    if heard.left:
        return NOTHING
    if row is None or board.is_gone()[row]:
        is_ours = bool(heard.items or heard.asks_stock or heard.asks_window or heard.asks_end)
        return Reply(asking.teller.say("ask.no_code", code=heard.codes[0]), 0.0) if is_ours else NOTHING
    return await _outlets(asking, [row], board.places[row].name)


async def _by_name(asking: Asking, names: Names) -> Reply:
    """The outlets of a name. A part of one is enough when the rest of the question is about stock."""
    heard = asking.heard
    if heard.left and heard.name:
        return NOTHING
    rows = names.called(heard.name) if heard.name else []
    if heard.left and (heard.items or heard.is_held or heard.asks_window or heard.asks_end):
        rows = names.holding(heard.left) if heard.spot is None else _called_so(asking)
        rows = rows if len(rows) <= SUPPLIES_NAMES else []
    elif heard.spot is not None:
        area = set(_rows_of(asking))
        rows = [row for row in rows if row in area]
    return await _outlets(asking, rows, heard.name or heard.left) if rows else NOTHING


def _called_so(asking: Asking) -> list[int]:
    """The outlets of a place in whose name the rest of the question stands."""
    places, part = asking.teller.board.places, asking.heard.left
    return [row for row in _rows_of(asking) if part in fold(places[row].name)]


async def _outlets(asking: Asking, rows: Sequence[int], name: str) -> Reply:
    """One outlet with everything it has; of several, those nearest to the asker, else in order of their codes."""
    heard, teller, board = asking.heard, asking.teller, asking.teller.board
    is_asked = bool(heard.items or heard.asks_stock or heard.asks_window or heard.asks_end or heard.is_near)
    score = SURE if is_asked else NAMED_ONLY
    if len(rows) > 1:
        order = sorted(rows, key=lambda row: board.places[row].code)
        text = teller.say("ask.named", total=len(rows), name=name, shown=min(len(rows), CARDS))
        return asking.reply(text, score, cards=tuple(teller.card(row, asking.item) for row in order[:CARDS]))
    row = rows[0]
    present = [one for one in range(len(board.items)) if board.count(one)[row] >= 0]
    item = asking.item if heard.items or asking.item in present or not present else present[0]
    others = tuple(one for one in present if one != item)
    text = await _told(asking, row, item)
    return asking.reply(text, score, cards=(teller.card(row, item, others=others),))


async def _told(asking: Asking, row: int, item: int) -> str:
    """The sentence about one outlet: its times, when it will be sold out, or what it has."""
    heard, teller = asking.heard, asking.teller
    name, title = teller.board.places[row].name, teller.title(item)
    if heard.asks_window:
        windows = teller.windows(row)
        said = teller.say("ask.and").join(windows)
        return teller.say("ask.outlet_window" if windows else "ask.outlet_no_window", name=name, window=said)
    status = teller.status(row, item)
    if heard.asks_end:
        forecast = await _forecast(asking, row, item)
        key = "ask.end" if forecast else "ask.end_unknown"
        return teller.say(key, name=name, item=title, status=status, forecast=forecast)
    return teller.say("ask.outlet", name=name, item=title, status=status)


async def _forecast(asking: Asking, row: int, item: int) -> str:
    """When it will be sold out, in the forecast's own words; empty when nobody foretells it."""
    if FORECAST not in SERVICE.operations:
        return ""
    board = asking.teller.board
    try:
        asked = {"code": board.places[row].code, "item": board.items[item].id}
        foretold = await asking.ctx.call(f"{SERVICE.name}.{FORECAST}", asked)
    except Problem:
        return ""
    return str(foretold.text[asking.said.lang])


# Near


def _near(asking: Asking, place: tuple[float, float]) -> Reply:
    """The nearest outlets that have some for who comes now."""
    teller, item = asking.teller, asking.item
    found = [*zip(*teller.board.nearest(place[0], place[1], item, k=CARDS), strict=True)]
    if not found:
        return asking.reply(teller.say("ask.near_none", item=teller.title(item)) + teller.newest(item))
    row, metres = found[0]
    values = {"name": teller.board.places[row].name, "distance": distance(metres), "status": teller.status(row, item)}
    text = teller.say("ask.near", item=teller.title(item), **values) + teller.newest(item)
    cards = tuple(teller.card(row, item, metres=metres) for row, metres in found)
    return asking.reply(text, cards=cards, choices=(*asking.switches("ask.switch_near"), _map(teller)))


def _near_window(asking: Asking, place: tuple[float, float]) -> Reply:
    """The nearest outlets that announce when they hand out number plates or sell, with stock or without."""
    teller, item = asking.teller, asking.item
    looked = [*zip(*teller.board.nearest(place[0], place[1], item, k=SUPPLIES_NEAREST, least=0), strict=True)]
    found = [(row, metres) for row, metres in looked if teller.windows(row)][:CARDS]
    if not found:
        return asking.reply(teller.say("ask.near_no_window", looked=len(looked)), choices=(_map(teller),))
    row, metres = found[0]
    window = teller.say("ask.and").join(teller.windows(row))
    name = teller.board.places[row].name
    text = teller.say("ask.near_window", name=name, distance=distance(metres), window=window)
    return asking.reply(text, cards=tuple(teller.card(row, item, metres=metres) for row, metres in found))


# Areas


def _in_area(asking: Asking) -> Reply:
    """A town's or county's sum; of a town its outlets, of a county its towns."""
    teller, item, spot = asking.teller, asking.item, asking.heard.spot
    assert spot is not None, "an area was named"
    if len(spot.town_codes) > 1:
        return _which_town(asking, spot.town_codes)
    rows = _rows_of(asking)
    if not rows:
        return asking.reply(teller.say("ask.area_empty", area=spot.name), NOWHERE)
    text = _summed(asking, rows, spot.name) + teller.newest(item)
    choices = (*asking.switches("ask.switch_area", area=spot.name), _map(teller))
    if spot.town_codes:
        board = teller.board
        have = sorted((row for row in rows if board.available(item)[row] > 0), key=lambda row: _most(asking, row))
        return asking.reply(text, cards=tuple(teller.card(row, item) for row in have[:CARDS]), choices=choices)
    return asking.reply(text, grid=_by_town(asking, rows), choices=choices)


def _rows_of(asking: Asking) -> list[int]:
    """The rows of the place named, only of the kind of outlet named when there are any."""
    board, heard = asking.teller.board, asking.heard
    assert heard.spot is not None, "a place was named"
    codes = heard.spot.town_codes or (heard.spot.county_code,)
    rows = [row for code in codes for row in board.in_town(code)]
    of_kind = [row for row in rows if any(kind in board.places[row].name for kind in heard.kinds)]
    return of_kind or rows


def _which_town(asking: Asking, codes: Sequence[str]) -> Reply:
    teller, counties, towns = asking.teller, county_names(), town_names()
    names = [counties.get(code[:5], "") + towns.get(code, "") for code in codes if teller.board.in_town(code)]
    names = names or [counties.get(code[:5], "") + towns.get(code, "") for code in codes]
    said = [teller.say("ask.switch_area", area=name, item=teller.title(asking.item)) for name in names[:CARDS]]
    text = teller.say("ask.which_town", town=towns.get(codes[0], ""))
    return asking.reply(text, choices=tuple(Choice(words, say=words) for words in said))


def _in_nation(asking: Asking) -> Reply:
    """The nation's sum; asks where somebody is who did not ask for the whole nation."""
    teller, item = asking.teller, asking.item
    text = _summed(asking, np.arange(teller.board.size), "") + teller.newest(item)
    if asking.heard.is_national:
        return asking.reply(text, choices=(*asking.switches("ask.switch_near"), _map(teller)))
    return asking.reply(f"{text} {teller.say('ask.where')}", asks="place")


def _summed(asking: Asking, rows: Sequence[int] | npt.NDArray[np.int64], area: str) -> str:
    teller, item = asking.teller, asking.item
    among = np.asarray(rows, np.int64)
    available, reserved = teller.board.available(item)[among], teller.board.reserved(item)[among]
    is_listed = available >= 0
    in_stock, kept = int((available > 0).sum()), int(reserved[is_listed].sum())
    values = {"item": teller.title(item), "unit": teller.unit(item), "in_stock": f"{in_stock:,}"}
    values |= {"listed": f"{int(is_listed.sum()):,}", "available": f"{int(available[is_listed].sum()):,}"}
    key = "ask.nation" if not area else "ask.area" if in_stock else "ask.area_none"
    text = teller.say(key, area=area, **values)
    return text + (teller.say("ask.promised", reserved=f"{kept:,}", unit=teller.unit(item)) if kept else "")


def _by_town(asking: Asking, rows: Sequence[int]) -> Grid:
    """The towns of a county, those with the most first."""
    teller, item, board = asking.teller, asking.item, asking.teller.board
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        left = max(int(board.available(item)[row]), 0)
        outlets, available = sums.get(board.places[row].town, (0, 0))
        sums[board.places[row].town] = (outlets + (left > 0), available + left)
    order = sorted(sums.items(), key=lambda pair: (-pair[1][1], pair[0]))
    columns = (teller.say("ask.column_town"), teller.say("ask.column_outlets"), teller.say("ask.column_available"))
    shown = tuple((town, f"{outlets:,}", f"{left:,}") for town, (outlets, left) in order[:CHAT_ROWS])
    return Grid(columns, shown, len(order))


def _most(asking: Asking, row: int) -> tuple[int, str]:
    board = asking.teller.board
    return -int(board.available(asking.item)[row]), board.places[row].code


def _map(teller: Teller) -> Choice:
    return Choice(teller.say("ask.map"), path=MAP_PATH)
