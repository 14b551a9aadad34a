"""What wrong cells look like, as RE2 patterns over the text of a cell. Each was seen in a real file of an agency.

`ANY` patterns are faults wherever they stand. `SHAPES` describe what a whole cell is; rules over their shares in a
column (`content.py`) tell a number with words from an address. Source of the defects: ../field/opendata.md s3, dirty/.
"""

from __future__ import annotations

from collections.abc import Mapping

_NUMBER = r"[0-9][0-9,]*(\.[0-9]+)?"
_UNIT = r"(筆|件|人|個|份|戶|次|元|家|間|項|台|部|輛|處|頁|冊|張|片|個檔案|萬筆|萬|千|KB|MB|GB|kb|mb|公里|公尺|公斤)"
ANY: Mapping[str, str] = {
    "literal-escape": r"\\r\\n|\\[rnt](\\|\s|$|[^A-Za-z0-9_])",
    "replacement": r"\x{FFFD}",
    "mojibake": r"ï»¿|Ã[\x{80}-\x{BF}]|â€|[à-ï][\x{80}-\x{BF}]{2}",
    "lost-character": r"[\x{4E00}-\x{9FFF}]\?+([\x{4E00}-\x{9FFF}]|[,、，]|$)",
    "private-use": r"[\x{E000}-\x{F8FF}\x{F0000}-\x{10FFFD}]",
    "control": r"[\x01-\x08\x0b\x0c\x0e-\x1f]",
    "html": r"(?i)</?(br|p|div|span|a|b|i|u|img|script|style|iframe|table|tr|td|th|ul|ol|li|font|strong|em)"
    r"(\s[^<>]*)?/?>|&(nbsp|amp|lt|gt|quot|#[0-9]{2,6}|#x[0-9a-f]{2,6});",
    "formula": r"^\s*(=\s*[A-Za-z0-9(+\-@\"]|@[A-Za-z]+\(|[+\-]\s*[A-Za-z]+[0-9]*[!(|]|[+\-@][^|]*\|.*!)",
    "full-width": r"[０-９Ａ-Ｚａ-ｚ]",
    "tai-formal": r"臺[北中南東灣]",
    "tai-common": r"台[北中南東灣]",
}
EXCEPT: Mapping[str, str] = {"lost-character": r"(嗎|呢|麼|何|誰|哪|否|多少|幾|怎)[^?]{0,20}\?"}
"""A cell that matches this too is not the fault: a real question ends in a question mark."""

SHAPES: Mapping[str, str] = {
    "number": r"^\s*[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?\s*%?\s*$",
    "thousands": r"^\s*[$NT]*[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?\s*$",
    "worded": rf"^\s*((大約|約|近|逾|超過|共計|共|計|第)\s*{_NUMBER}\s*餘?{_UNIT}?"
    rf"|{_NUMBER}\s*(餘|{_UNIT}|餘{_UNIT}))\s*(以上|左右)?\s*$",
    "yearless": r"^\s*(0?[1-9]|1[0-2])\s*([/.-]|月)\s*(0?[1-9]|[12][0-9]|3[01])\s*日?\s*$",
    "missing": r"^\s*(NULL|null|None|N/?A|n/?a|NaN|nan|#N/A|#REF!|#VALUE!|#DIV/0!|#NAME\?|-9{3,}(\.0)?"
    r"|無資料|未提供|不詳|－|-{1,3})\s*$",
    "date-iso": r"^\s*(19|20)[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?$",
    "date-slash": r"^\s*(19|20)[0-9]{2}/[0-9]{1,2}/[0-9]{1,2}(\s.*)?$",
    "date-dot": r"^\s*(19|20)[0-9]{2}\.[0-9]{1,2}\.[0-9]{1,2}$",
    "date-compact": r"^\s*(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])\s*$",
    "date-roc-slash": r"^\s*(民國)?\s*[01]?[0-9]{2}[/.-][0-9]{1,2}[/.-][0-9]{1,2}(\s.*)?$",
    "date-roc-compact": r"^\s*[01][0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])\s*$",
    "date-zh": r"^\s*(民國)?\s*[0-9]{2,4}\s*年\s*[0-9]{1,2}\s*月(\s*[0-9]{1,2}\s*日)?",
    "date-day-first": r"^\s*[0-9]{1,2}/[0-9]{1,2}/(19|20)[0-9]{2}(\s.*)?$",
}

DATES = tuple(name for name in SHAPES if name.startswith("date-"))
FOOTER = (
    r"^\s*(合計|總計|小計|總和|備\s*註|附\s*註|註|說\s*明|資料來源|製表|填表|單位主管|聯絡人|Total|TOTAL|Source|Note)"
    r"([\s:：0-9.、]|$)"
)
