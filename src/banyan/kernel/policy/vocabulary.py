"""Taiwan's words for why and what: purposes, categories and clauses of the Personal Data Protection Act (個資法).

Codes and titles: 個人資料保護法之特定目的及個人資料之類別 (Ministry of Justice, 2012-10-01), those that the services of
this house use; a node adds its own. Clauses: PDPA articles 15 and 16. DPV: Data Privacy Vocabulary 2.3, for export.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_READ: Final = tomllib.loads(files("banyan.kernel.policy").joinpath("vocabulary.toml").read_text(encoding="utf-8"))
PURPOSES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(_READ["purposes"])
"""Title in zh-Hant and en by purpose code (three digits)."""
CATEGORIES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(_READ["categories"])
"""Title by category code (C001)."""
CLAUSES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(_READ["clauses"])
"""What a clause of articles 15 and 16 says, by `article-clause`."""
SPECIAL: Final = frozenset(_READ["special"]["categories"])
"""Categories of PDPA article 6: medical records, health care, genes, sex life, health checks, criminal records."""
DPV: Final[Mapping[str, str]] = MappingProxyType(_READ["dpv"])
"""A basis' kind as a term of the Data Privacy Vocabulary."""
