"""資料集詮釋資料標準規範: Taiwan's 38-field metadata standard, in and out."""

from banyan.wire.national.check import IDENTIFIER, Fault, check
from banyan.wire.national.codec import Read, decode, encode, encode_one
from banyan.wire.national.model import CATEGORIES, CATEGORIES_EN, LICENCE, LICENCE_URL, Dataset, Resource
from banyan.wire.national.periodicity import Periodicity, parse, states_two

__all__ = [
    "CATEGORIES",
    "CATEGORIES_EN",
    "IDENTIFIER",
    "LICENCE",
    "LICENCE_URL",
    "Dataset",
    "Fault",
    "Periodicity",
    "Read",
    "Resource",
    "check",
    "decode",
    "encode",
    "encode_one",
    "parse",
    "states_two",
]
