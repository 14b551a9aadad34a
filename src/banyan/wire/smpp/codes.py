"""The numbers of SMPP 3.4: commands (s5.1.2.1), statuses (s5.1.3), message states (s5.2.28), bits of esm_class."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

RESPONSE: Final = 0x8000_0000
"""A response's command_id is its request's with this bit."""


class Command(IntEnum):
    GENERIC_NACK = 0x8000_0000
    BIND_RECEIVER = 0x0000_0001
    BIND_TRANSMITTER = 0x0000_0002
    QUERY_SM = 0x0000_0003
    SUBMIT_SM = 0x0000_0004
    DELIVER_SM = 0x0000_0005
    UNBIND = 0x0000_0006
    REPLACE_SM = 0x0000_0007
    CANCEL_SM = 0x0000_0008
    BIND_TRANSCEIVER = 0x0000_0009
    ENQUIRE_LINK = 0x0000_0015
    DATA_SM = 0x0000_0103
    BIND_RECEIVER_RESP = 0x8000_0001
    BIND_TRANSMITTER_RESP = 0x8000_0002
    QUERY_SM_RESP = 0x8000_0003
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM_RESP = 0x8000_0005
    UNBIND_RESP = 0x8000_0006
    REPLACE_SM_RESP = 0x8000_0007
    CANCEL_SM_RESP = 0x8000_0008
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    ENQUIRE_LINK_RESP = 0x8000_0015
    DATA_SM_RESP = 0x8000_0103


BINDS: Final = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})


class Status(IntEnum):
    """Those that a sender must tell apart; an SMSC may answer others."""

    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RINVMSGID = 0x0C
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RCANCELFAIL = 0x11
    RMSGQFUL = 0x14
    RSUBMITFAIL = 0x45
    RTHROTTLED = 0x58
    RINVEXPIRY = 0x62
    RX_T_APPN = 0x64
    RX_P_APPN = 0x65
    RQUERYFAIL = 0x67
    RINVPARLEN = 0xC2


class MessageState(IntEnum):
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8


FINAL: Final = frozenset(
    {
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.REJECTED,
    }
)

ESM_KIND: Final = 0x3C
"""The bits of esm_class that say what a deliver_sm is (s5.2.12)."""
ESM_RECEIPT: Final = 0x04
ESM_INTERMEDIATE: Final = 0x20
ESM_UDHI: Final = 0x40
"""The text begins with a user data header."""
RECEIPT_WANTED: Final = 0x01
"""registered_delivery: a receipt for success and for failure (s5.2.17)."""

CODING_DEFAULT: Final = 0x00
"""The SMSC's default alphabet: nearly always GSM 7-bit, one septet an octet."""
CODING_ASCII: Final = 0x01
CODING_LATIN_1: Final = 0x03
CODING_UCS_2: Final = 0x08


class Tag(IntEnum):
    """Optional parameters (s5.3.2) that are read or written here; others pass through as bytes."""

    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    RECEIPTED_MESSAGE_ID = 0x001E
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


def command_name(command: int) -> str:
    """`submit_sm`, or the number of one that SMPP 3.4 does not have."""
    try:
        return Command(command).name.lower()
    except ValueError:
        return f"0x{command:08x}"


def status_name(status: int) -> str:
    """`ESME_RTHROTTLED`, or the number of a vendor's own (0x400-0x4FF)."""
    try:
        return f"ESME_{Status(status).name}"
    except ValueError:
        return f"0x{status:08x}"
