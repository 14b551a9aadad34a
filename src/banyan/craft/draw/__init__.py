"""A draw that anybody can run again: tickets, their tree, the seed nobody could choose, the order it gives."""

from banyan.craft.draw.allotting import Allotted, allot, reserve, winners
from banyan.craft.draw.lots import ranks, seed
from banyan.craft.draw.tickets import Entry, canonical, packed, ticket, unpacked
from banyan.craft.draw.tree import TicketTree, root

__all__ = [
    "Allotted",
    "Entry",
    "TicketTree",
    "allot",
    "canonical",
    "packed",
    "ranks",
    "reserve",
    "root",
    "seed",
    "ticket",
    "unpacked",
    "winners",
]
