"""CBSP, the protocol between a cell broadcast centre and base station controllers of GSM (TS 48.049). No I/O."""

from banyan.wire.cbsp.cells import (
    ALL,
    Cell,
    CellList,
    Completed,
    CompletedList,
    Failed,
    Load,
    LoadList,
    cell_list,
)
from banyan.wire.cbsp.codec import Cbsp, Wrong, decode, encode
from banyan.wire.cbsp.stream import Frames
from banyan.wire.cbsp.values import (
    PORT,
    BroadcastType,
    Category,
    Cause,
    Channel,
    Counted,
    Discriminator,
    Kind,
    Recovery,
)

__all__ = [
    "ALL",
    "PORT",
    "BroadcastType",
    "Category",
    "Cause",
    "Cbsp",
    "Cell",
    "CellList",
    "Channel",
    "Completed",
    "CompletedList",
    "Counted",
    "Discriminator",
    "Failed",
    "Frames",
    "Kind",
    "Load",
    "LoadList",
    "Recovery",
    "Wrong",
    "cell_list",
    "decode",
    "encode",
]
