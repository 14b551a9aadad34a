"""Apps as people make them: one page that is right, and pages that differ from it in one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tests.kit.make import AS_OF, LEFT, Answer

Row = dict[str, str]


def rows() -> list[Row]:
    """What a right page shows of adult masks: empty is not known."""
    return [
        a_row("0145080011", 200, 0, "in_stock", lon="121.6044", lat="23.9769", text="還有 200 片"),
        a_row("592202A296", 0, 0, "sold_out", lon="121.61", lat="23.98", text="領完了；位置可能不準"),
        a_row("5945010003", 8, 0, "few", lon="121.58", lat="23.96", text="剩 8 片"),
        a_row("5901010004", 0, 120, "reserved", lon="121.513", lat="25.04", text="已全數保留給號碼牌"),
        a_row("5945010007", 30, 60, "in_stock", lon="121.61", lat="23.99", text="還有 30 片，另有 60 片已保留"),
        {
            **a_row("5945010008", 0, 0, "not_listed", lon="121.62", lat="23.97", text="目前不在名單上"),
            "available": "",
            "reserved": "",
            "as-of": LEFT,
        },
    ]


def a_row(code: str, available: int, reserved: int, status: str, *, lon: str, lat: str, text: str) -> Row:
    return {
        "outlet": code,
        "item": "mask-adult",
        "available": str(available),
        "reserved": str(reserved),
        "status": status,
        "as-of": AS_OF,
        "lon": lon,
        "lat": lat,
        "text": text,
    }


def page(shown: Sequence[Row], *, head: str = "", foot: str = "資料來源：衛生福利部中央健康保險署") -> bytes:
    """The rows as a marked list."""
    lines = []
    for row in shown:
        marks = " ".join(f'data-{name}="{escape(value)}"' for name, value in row.items() if name != "text")
        lines.append(f"<li {marks}><h3>藥局</h3><p>{escape(row['text'])}<br></p></li>")
    body = f"<ol>{''.join(lines)}</ol><footer>{foot}</footer>"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def changed(code: str, **values: str) -> list[Row]:
    """The right rows, but for one outlet; `as_of` is written so."""
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return [{**row, **named} if row["outlet"] == code else row for row in rows()]


def without(name: str) -> list[Row]:
    return [{key: value for key, value in row.items() if key != name} for row in rows()]


def all_rows(**values: str) -> list[Row]:
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return [{**row, **named} for row in rows()]


def html(content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return content, headers or {}


WRONG: dict[str, tuple[str, Answer]] = {
    "a page without any time": ("as-of-shown", html(page(without("as-of")))),
    "a time nobody can read": ("as-of-true", html(page(all_rows(as_of="just now")))),
    "Taiwan's time written as UTC": ("as-of-true", html(page(all_rows(as_of="2020-02-14T09:06:04Z")))),
    "the time of fetching as the as-of": ("age-hidden", html(page(all_rows(as_of="2020-02-14T01:06:30Z")))),
    "the whole count with nothing taken off": (
        "reserved-taken-off",
        html(page(changed("5945010007", available="90", reserved=""))),
    ),
    "all promised, shown in stock": (
        "reserved-not-available",
        html(page(changed("5901010004", available="120", reserved="", status="in_stock"))),
    ),
    "all promised, shown by its count": (
        "reserved-not-available",
        html(page(changed("5901010004", available="", count="120", reserved="", status=""))),
    ),
    "off the list shown as 0": ("not-listed-not-zero", html(page(changed("5945010008", available="0")))),
    "off the list shown as sold out": ("not-listed-not-zero", html(page(changed("5945010008", status="sold_out")))),
    "off the list with its last number": ("not-listed-not-zero", html(page(changed("5945010008", available="30")))),
    "never listed shown as 0": (
        "unknown-not-zero",
        html(page([*rows(), a_row("5999990005", 0, 0, "sold_out", lon="121.6", lat="23.98", text="0")])),
    ),
    "a number left from yesterday": ("number-true", html(page(changed("0145080011", available="180")))),
    "in stock where it is sold out": (
        "number-true",
        html(page(changed("592202A296", available="5", status="in_stock"))),
    ),
    "a word against its number": ("number-true", html(page(changed("0145080011", status="sold_out")))),
    "codes that lost their zeros": ("code-as-text", html(page(changed("0145080011", outlet="145080011")))),
    "codes that went through a spreadsheet": ("code-as-text", html(page(changed("0145080011", outlet="145080011.0")))),
    "an outlet that is not there": (
        "outlet-exists",
        html(page([*rows(), a_row("5999999999", 500, 0, "in_stock", lon="121.6", lat="23.9", text="500")])),
    ),
    "an item nobody knows": ("item-exists", html(page(changed("0145080011", item="N95")))),
    "a point in the next town": ("coordinates", html(page(changed("5945010003", lon="121.62")))),
    "longitude and latitude swapped": ("coordinates", html(page(changed("0145080011", lon="23.9769", lat="121.6044")))),
    "a page that reloads each second": (
        "refresh-polite",
        html(page(rows(), head='<meta http-equiv="refresh" content="1; url=/">')),
    ),
    "a script that asks each second": (
        "refresh-polite",
        html(page(rows(), head="<script>setInterval(() => load(), 1000)</script>")),
    ),
    "kept by caches for a day": ("kept-too-long", html(page(rows()), {"cache-control": "public, max-age=86400"})),
    "nobody's data": ("licence-shown", html(page(rows(), foot="我的口罩地圖"))),
}
"""By what is wrong: the one rule that says so, and the app."""
