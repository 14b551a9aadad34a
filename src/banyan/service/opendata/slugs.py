"""Names fit for a URL: two to a hundred of `a-z 0-9 - _` (CKAN's rule for dataset names)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from itertools import count
from typing import Annotated

import msgspec

from banyan.limits import FILE_NAME_CHARACTERS

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{2,100}$")]
AnySlug = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9_-]{2,100})?$")]
"""A slug, or empty: not named. (`Slug | Literal[""]` would apply the pattern to the empty text too.)"""
AnyId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,100}$")]
"""An id as other portals give them (a UUID, a slug), or empty; it becomes part of addresses and of file names."""

_ENDINGS = re.compile(
    r"(\.(csv|tsv|txt|tab|xlsx|xls|json|ndjson|jsonl|geojson|parquet|gz|zip))+$|\.[a-z][a-z0-9]{1,4}$"
)
_STAMP = re.compile(
    r"[-_ ]*(?<![0-9])(1[0-9]{2}|19[0-9]{2}|20[0-9]{2})[-_./]?[01][0-9][-_./]?[0-3][0-9]([-_t ]?[0-9]{4,6})?$",
    re.IGNORECASE,
)
_UNFIT = re.compile(r"[^a-z0-9_]+")
_LONGEST = 90


def slug_of(text: str) -> str:
    """The Latin letters and digits of a text as a name, or empty when fewer than two are left (a Chinese title)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    slug = _UNFIT.sub("-", folded).strip("-_")[:_LONGEST].strip("-_")
    return slug if len(slug) > 1 else ""


def stem_of(filename: str) -> str:
    """A file's name without folders and endings: what a table read from it is called."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return name[: len(name) - len(match.group())] if (match := _ENDINGS.search(name.casefold())) else name


def undated(stem: str) -> str:
    """The stem without the date at its end, so that the next day's file has the same name; itself when that is all."""
    return _STAMP.sub("", stem) or stem


def plain_name(filename: str) -> str:
    """A file's own name as it is kept and shown: no folders, no control characters, not too long, never empty."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(character for character in name if character.isprintable()).strip()
    return name[-FILE_NAME_CHARACTERS:].lstrip(". ") or "data"


def slug_of_file(filename: str) -> str:
    """A name from a file's name, without its endings and its date: `maskdata_20200214T085535.csv.gz` -> `maskdata`.

    Without the date, the next day's file is the next version of the same dataset.
    """
    stem = stem_of(filename).casefold()
    return slug_of(undated(stem)) or slug_of(stem) or _hashed(filename)


def free_slug(title: str, is_free: Callable[[str], bool]) -> str:
    """A name for a new thing that nobody has: from its title, else from a hash of it; numbered when taken."""
    first = slug_of(title) or _hashed(title)
    return next(name for number in count(1) if is_free(name := first if number == 1 else f"{first}-{number}"))


def _hashed(text: str) -> str:
    return f"data-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
