"""The licences a dataset may carry. Ids are SPDX's where SPDX has the licence, as CKAN's licence list does."""

from __future__ import annotations

import msgspec

from banyan.wire.ckan import licences as ckan

DEFAULT_LICENCE = "OGDL-Taiwan-1.0"


class Licence(msgspec.Struct, frozen=True):
    """One licence; `is_open` as the Open Definition has it."""

    id: str
    title: str
    title_en: str
    url: str
    is_open: bool


LICENCES: dict[str, Licence] = {
    licence.id: licence
    for licence in (
        Licence(
            DEFAULT_LICENCE,
            "政府資料開放授權條款-第1版",
            "Open Government Data License, version 1.0 (Taiwan)",
            "https://data.gov.tw/license",
            True,
        ),
        Licence(
            "CC0-1.0",
            "創用CC 公眾領域貢獻宣告 1.0",
            "Creative Commons Zero 1.0",
            "https://creativecommons.org/publicdomain/zero/1.0/",
            True,
        ),
        Licence(
            "CC-BY-4.0",
            "創用CC 姓名標示 4.0 國際",
            "Creative Commons Attribution 4.0 International",
            "https://creativecommons.org/licenses/by/4.0/",
            True,
        ),
        Licence(
            "CC-BY-SA-4.0",
            "創用CC 姓名標示-相同方式分享 4.0 國際",
            "Creative Commons Attribution-ShareAlike 4.0 International",
            "https://creativecommons.org/licenses/by-sa/4.0/",
            True,
        ),
        Licence(
            "ODbL-1.0",
            "開放資料庫授權 1.0",
            "Open Data Commons Open Database License 1.0",
            "https://opendatacommons.org/licenses/odbl/1-0/",
            True,
        ),
        Licence(
            "ODC-By-1.0",
            "開放資料共享姓名標示授權 1.0",
            "Open Data Commons Attribution License 1.0",
            "https://opendatacommons.org/licenses/by/1-0/",
            True,
        ),
        Licence(
            "PDDL-1.0",
            "開放資料共享公眾領域貢獻宣告 1.0",
            "Open Data Commons Public Domain Dedication and License 1.0",
            "https://opendatacommons.org/licenses/pddl/1-0/",
            True,
        ),
        Licence("other-open", "其他（開放）", "Other (open)", "", True),
        Licence("other-closed", "其他（不開放）", "Other (not open)", "", False),
        Licence("notspecified", "未指定授權", "Licence not specified", "", False),
    )
}
"""The licences offered to publishers."""

KNOWN_LICENCES = LICENCES.keys() | ckan.LICENCES.keys()
"""Ids a dataset may carry: those offered, and those of CKAN's register that datasets come with from elsewhere."""
