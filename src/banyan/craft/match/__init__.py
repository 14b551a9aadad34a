"""Names of people in Taiwan: one key however they are typed, and a ranked search for who must find a person."""

from banyan.craft.match.folding import folded, keys, masked
from banyan.craft.match.search import Found, Index, build, likeness

__all__ = ["Found", "Index", "build", "folded", "keys", "likeness", "masked"]
