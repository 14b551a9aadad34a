"""When may I buy? Asked in one's own words, for chat, LINE and programs. What the law needs to know and was not told
is asked back, with answers to press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from banyan.kernel.catalogue.dialogue import Choice, Reply, Utterance
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.rationing.asking.hearing import Heard, hear, names_of
from banyan.service.rationing.asking.in_force import OLDEST, ItemInForce, items_in_force, titles_of
from banyan.service.rationing.asking.words import WORDS
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.operations import Question, Told
from banyan.service.rationing.service import SERVICE

NOTHING: Final = Reply("", 0.0)
SURE: Final = 1.0
ADULT: Final = 40
"""An age for who said none where age makes no difference."""
Say = Callable[..., str]


@SERVICE.operation(
    "ask",
    title={"zh-Hant": "用一句話問可以買什麼", "en": "Ask what may be bought"},
    summary={
        "zh-Hant": "用自己的話問：我什麼時候可以買、可以買幾個。聽不懂時分數為 0。",
        "en": "Ask in your own words when and how many you may buy. Score 0 when not understood.",
    },
    data=OPEN,
    audience="public",
    channels=("api", "chat", "mcp"),
)
async def ask(ctx: Context, request: Utterance) -> Reply:
    book = await engine_of(ctx.db).rules()
    found = items_in_force(book, ctx.now)
    heard = hear(request.text, names_of(titles_of(book)))
    if not heard.is_asked or heard.left:
        return NOTHING

    def say(key: str, **values: object) -> str:
        return WORDS.text(f"ration_asking.{key}", request.lang, **values)

    if not found:
        return Reply(say("none_in_force"), SURE, choices=(Choice(say("map"), path="/supplies"),))
    item = next((one for one in found if one.item == heard.item), found[0])
    missing = _missing(item, heard, say, request.lang)
    if missing is not None:
        return missing
    age = min(heard.age, OLDEST) if heard.age is not None else ADULT
    digit = "" if heard.digit is None else str(heard.digit)
    told: Told = await ctx.call("rationing.entitlement", Question(age, digit, item.item))
    return _reply(told, item, say, request.lang)


def _missing(item: ItemInForce, heard: Heard, say: Say, lang: str) -> Reply | None:
    """Asks for what the law needs; each choice is the whole question, so that nothing has to be remembered."""
    title = item.title[lang]
    if item.ages and heard.age is None:
        digit = "" if heard.digit is None else say("with_digit", digit=heard.digit)
        choices = tuple(
            Choice(
                _band_said(one.least, one.most, say),
                say=say("whole", item=title, age=say("with_age", age=one.least), digit=digit),
            )
            for one in item.ages
        )
        return Reply(say("which_age", item=title), SURE, choices=choices)
    if item.asks_digit and heard.digit is None:
        age = "" if heard.age is None else say("with_age", age=heard.age)
        choices = tuple(
            Choice(str(digit), say=say("whole", item=title, age=age, digit=say("with_digit", digit=digit)))
            for digit in range(10)
        )
        return Reply(say("which_digit"), SURE, choices=choices)
    return None


def _band_said(least: int, most: int, say: Say) -> str:
    return say("and_older", least=least) if most >= OLDEST else say("ages", least=least, most=most)


def _reply(told: Told, item: ItemInForce, say: Say, lang: str) -> Reply:
    lines = [say("about", item=item.title[lang], says=told.says[lang]), *(one.says[lang] for one in told.later)]
    lines.append(say("own" if told.is_own else "nothing_bought"))
    choices = (
        Choice(say("where", item=item.title[lang]), say=say("where_question", item=item.title[lang])),
        Choice(say("preorder"), path="/rationing/rounds"),
    )
    return Reply("\n".join(lines), SURE, choices=choices)
