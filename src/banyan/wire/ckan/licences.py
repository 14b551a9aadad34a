"""The licences of CKAN's default register with Taiwan's own in front, in the shape of `license_list`.

Facts of a public register (ids, addresses, Open Definition conformance); its booleans are the texts "True" and
"False". `OGDL-Taiwan-1.0` is the SPDX id of 政府資料開放授權條款-第1版. Source: golden file, SPDX License List.
"""

from __future__ import annotations

import msgspec

from banyan.wire.ckan.envelope import Json

_OPEN = "approved"
_UNKNOWN = "not reviewed"


class Licence(msgspec.Struct, frozen=True):
    """`domains` are the letters of what it is meant for: c(ontent), d(ata), s(oftware)."""

    id: str
    title: str
    url: str = ""
    domains: str = ""
    is_open: bool = True
    is_generic: bool = False

    def as_dict(self) -> dict[str, Json]:
        return {
            "domain_content": str("c" in self.domains),
            "id": self.id,
            "domain_data": str("d" in self.domains),
            "domain_software": str("s" in self.domains),
            "family": "",
            "is_generic": str(self.is_generic),
            "od_conformance": _OPEN if self.is_open else _UNKNOWN,
            "osd_conformance": _UNKNOWN,
            "maintainer": "",
            "status": "active",
            "url": self.url,
            "title": self.title,
        }


_DEFINITION = "http://www.opendefinition.org/licenses/"
_CREATIVE = "https://creativecommons.org/"

CKAN = (
    Licence("notspecified", "License not specified", is_open=False, is_generic=True),
    Licence(
        "odc-pddl",
        "Open Data Commons Public Domain Dedication and License (PDDL)",
        _DEFINITION + "odc-pddl",
        "d",
    ),
    Licence("odc-odbl", "Open Data Commons Open Database License (ODbL)", _DEFINITION + "odc-odbl", "d"),
    Licence("odc-by", "Open Data Commons Attribution License", _DEFINITION + "odc-by", "d"),
    Licence("cc-zero", "Creative Commons CCZero", _DEFINITION + "cc-zero", "cd"),
    Licence("cc-by", "Creative Commons Attribution", _DEFINITION + "cc-by"),
    Licence("cc-by-sa", "Creative Commons Attribution Share-Alike", _DEFINITION + "cc-by-sa", "c"),
    Licence("gfdl", "GNU Free Documentation License", _DEFINITION + "gfdl", "c"),
    Licence("other-open", "Other (Open)", domains="c", is_generic=True),
    Licence("other-pd", "Other (Public Domain)", domains="c", is_generic=True),
    Licence("other-at", "Other (Attribution)", domains="c", is_generic=True),
    Licence(
        "uk-ogl",
        "UK Open Government Licence (OGL)",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        "c",
    ),
    Licence(
        "cc-nc",
        "Creative Commons Non-Commercial (Any)",
        "http://creativecommons.org/licenses/by-nc/2.0/",
        is_open=False,
    ),
    Licence("other-nc", "Other (Non-Commercial)", is_open=False, is_generic=True),
    Licence("other-closed", "Other (Not Open)", is_open=False, is_generic=True),
)
"""CKAN's default register, in its order."""

SPDX = (
    Licence("OGDL-Taiwan-1.0", "政府資料開放授權條款-第1版", "https://data.gov.tw/license", "cd"),
    Licence("CC0-1.0", "Creative Commons Zero 1.0", _CREATIVE + "publicdomain/zero/1.0/", "cd"),
    Licence("CC-BY-4.0", "Creative Commons Attribution 4.0", _CREATIVE + "licenses/by/4.0/", "cd"),
    Licence("CC-BY-SA-4.0", "Creative Commons Attribution Share-Alike 4.0", _CREATIVE + "licenses/by-sa/4.0/", "cd"),
    Licence(
        "ODbL-1.0", "Open Data Commons Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/", "d"
    ),
    Licence(
        "ODC-By-1.0", "Open Data Commons Attribution License 1.0", "https://opendatacommons.org/licenses/by/1-0/", "d"
    ),
    Licence(
        "PDDL-1.0",
        "Open Data Commons Public Domain Dedication and License 1.0",
        "https://opendatacommons.org/licenses/pddl/1-0/",
        "d",
    ),
)
"""Licences by their SPDX ids, Taiwan's first."""

LICENCES = {licence.id: licence for licence in (*SPDX, *CKAN)}
