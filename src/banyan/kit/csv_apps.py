"""Reading the official list's shape: an outlet a row, a column a count."""

from __future__ import annotations

import csv
import io
from typing import Final

from banyan.kit.claims import App, Claim
from banyan.kit.json_apps import number, whole

CODE: Final = "醫事機構代碼"
TIME: Final = "來源資料時間"
ITEM: Final = "廠牌項目"
_COUNTS: Final = ("總剩餘數", "剩餘數", "結餘存貨數量")


def read_csv(text: str) -> App | None:
    """The app, or None when it has neither the code's column nor a count."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = [name.strip() for name in next(rows, [])]
    counts = [(place, name) for place, name in enumerate(header) if name.endswith(_COUNTS)]
    if CODE not in header or not counts:
        return None
    at = {name: place for place, name in enumerate(header)}
    claims = []
    for line, cells in enumerate(rows, 2):
        row = [*cells, *[""] * (len(header) - len(cells))]
        for place, name in counts:
            count = whole(row[place])
            if count is not None:
                claims.append(
                    Claim(
                        where=f"line {line}, {name}",
                        code=row[at[CODE]],
                        item=row[at[ITEM]] if ITEM in at else name,
                        count=count,
                        as_of=row[at[TIME]] if TIME in at else "",
                        lon=number(row[at["經度"]]) if "經度" in at else None,
                        lat=number(row[at["緯度"]]) if "緯度" in at else None,
                    )
                )
    return App(kind="csv", claims=tuple(claims))
