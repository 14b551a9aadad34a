"""What a column's name suggests. A name alone never decides a type: the cells must agree."""

from __future__ import annotations

import re
import unicodedata

DATE = re.compile(r"日期|時間|時刻|日$|起$|迄$|期間|date|time|day|_at$", re.I)
MONTH = re.compile(r"年月|月份|month|yyymm|yyyymm", re.I)
YEAR = re.compile(r"年$|年度|年份|year|yyy|學年", re.I)
ROC_YEAR = re.compile(r"民國|年度|統計年|學年|yyy", re.I)
CODE = re.compile(
    r"代碼|代號|統編|統一編號|電話|手機|傳真|郵遞區號|證號|身分證|帳號|卡號|條碼|字號|(^|_|\b)(code|phone|tel|fax|zip|postal|isbn|uuid|fips)(\b|_|$)|code$",
    re.I,
)
SERIAL = re.compile(r"編號|(^|_|\b|\.)id$|_no$|^no\.?$|序號|流水號", re.I)
COORDINATE = re.compile(r"坐標|座標|經度|緯度|(^|[^a-z])(x|y|lon|lng|lat|twd\d*)([^a-z]|$)|longitude|latitude", re.I)

LON = re.compile(r"經度|^(.*\W|.*_)?(lon|lng|longitude|long|wgs84_?x|wgsx|px|gps_?x)$", re.I)
LAT = re.compile(r"緯度|^(.*\W|.*_)?(lat|latitude|wgs84_?y|wgsy|py|gps_?y)$", re.I)
X = re.compile(
    r"^(.*[^a-z])?x(_?97|_?twd97|坐標|座標|_?coord.*|軸)?$|橫坐標|橫座標|^twd97_?x$|[坐座]標_?[(（]?x|^tm_?x$", re.I
)
Y = re.compile(
    r"^(.*[^a-z])?y(_?97|_?twd97|坐標|座標|_?coord.*|軸)?$|縱坐標|縱座標|^twd97_?y$|[坐座]標_?[(（]?y|^tm_?y$", re.I
)
TWD67 = re.compile(r"67")
ADDRESS = re.compile(r"地址|住址|位址|門牌|address|addr$|所在地", re.I)
COUNTY = re.compile(r"縣市|county|^city$|直轄市", re.I)
TOWN = re.compile(r"鄉鎮|行政區|區域別?$|^town|township|district|^區別?$|^admin$", re.I)
VILLAGE = re.compile(r"村里|^里別?$|^village", re.I)
LABEL = re.compile(r"名稱|^name$|_name$|title|站名|店名|校名|資料集$", re.I)
AS_OF = re.compile(r"資料.*時間|更新.*(時間|日期)|更新$|rec_time|updated?_?(at|time)|last_?update", re.I)


def folded(name: str) -> str:
    """A name as the patterns expect it: full-width letters folded, outer spaces gone."""
    return unicodedata.normalize("NFKC", name).strip()
