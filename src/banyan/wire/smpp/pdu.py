"""The PDUs of SMPP 3.4 (s4): a frozen struct each, `encode` and `decode`. Round trip is exact for what is well-formed.

A response with an error status may come without a body (s4.4.2): then its fields are their defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Layout
from typing import Final

import msgspec

from banyan.limits_alerts import SMPP_PDU_BYTES
from banyan.wire.smpp.codes import BINDS, RESPONSE, Command, Status
from banyan.wire.smpp.fields import Malformed, Reader, Tlvs, c_octets, octet, tlvs_of

HEAD: Final = Layout(">IIII")
HEAD_BYTES: Final = 16
VERSION_34: Final = 0x34
SHORT_MESSAGE: Final = 254
"""Octets of short_message; more goes into the message_payload parameter (s5.2.22)."""
_RESERVED: Final = frozenset({0, 0xFFFF_FFFF})


class Address(msgspec.Struct, frozen=True):
    """ton 1 international, 0 unknown, 3 network-specific, 5 alphanumeric; npi 1 E.164, 0 unknown (s5.2.5, s5.2.6)."""

    digits: str = ""
    ton: int = 0
    npi: int = 0

    def __repr__(self) -> str:
        """Without the digits: a number is personal."""
        return f"Address(ton={self.ton}, npi={self.npi})"


class Bind(msgspec.Struct, frozen=True):
    system_id: str
    password: str = ""
    system_type: str = ""
    interface_version: int = VERSION_34
    address_range: Address = Address()

    def __repr__(self) -> str:
        return f"Bind(system_id={self.system_id!r})"


class BindResp(msgspec.Struct, frozen=True):
    system_id: str = ""
    tlvs: Tlvs = ()


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """submit_sm and deliver_sm, which have the same fields (s4.4.1, s4.6.1)."""

    source: Address = Address()
    destination: Address = Address()
    text: bytes = b""
    service_type: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    data_coding: int = 0
    default_message: int = 0
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        return f"Short({len(self.text)} octets, data_coding={self.data_coding})"


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """data_sm (s4.7.1): its text is the message_payload parameter."""

    source: Address = Address()
    destination: Address = Address()
    service_type: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        """Without the parameters: the text is one of them."""
        return f"Data({len(self.tlvs)} parameters, data_coding={self.data_coding})"


class Taken(msgspec.Struct, frozen=True):
    """submit_sm_resp, deliver_sm_resp, data_sm_resp."""

    message_id: str = ""
    tlvs: Tlvs = ()


class Query(msgspec.Struct, frozen=True):
    message_id: str
    source: Address = Address()


class Queried(msgspec.Struct, frozen=True):
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error: int = 0


class Cancel(msgspec.Struct, frozen=True):
    """An empty `message_id` cancels all of the source to the destination (s4.9.1)."""

    message_id: str = ""
    source: Address = Address()
    destination: Address = Address()
    service_type: str = ""


class Empty(msgspec.Struct, frozen=True):
    """enquire_link, unbind, generic_nack, cancel_sm_resp and their like."""


class Unknown(msgspec.Struct, frozen=True):
    """A command that is not read here: its octets."""

    octets: bytes

    def __repr__(self) -> str:
        """Without the octets: numbers and a text may be among them."""
        return f"Unknown({len(self.octets)} octets)"


Body = Bind | BindResp | Short | Data | Taken | Query | Queried | Cancel | Empty | Unknown


class Pdu(msgspec.Struct, frozen=True):
    command: int
    sequence: int
    body: Body = Empty()
    status: int = 0

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


def encode(pdu: Pdu) -> bytes:
    """The octets of a PDU. Raises Malformed naming a field that does not fit."""
    body = _written(pdu)
    return HEAD.pack(HEAD_BYTES + len(body), pdu.command, pdu.status, pdu.sequence) + body


def decode(octets: bytes) -> Pdu:
    """The PDU of exactly these octets. Raises Malformed naming the field."""
    if not HEAD_BYTES <= len(octets) <= SMPP_PDU_BYTES:
        raise Malformed("command_length", f"a PDU has {HEAD_BYTES} to {SMPP_PDU_BYTES} octets")
    length, command, status, sequence = HEAD.unpack_from(octets)
    if length != len(octets):
        raise Malformed("command_length", "it is not the number of octets")
    read = _READ.get(command)
    if read is None:
        return Pdu(command, sequence, Unknown(octets[HEAD_BYTES:]), status)
    if length == HEAD_BYTES and command & RESPONSE and status:
        return Pdu(command, sequence, _EMPTIED.get(command, Empty()), status)
    return Pdu(command, sequence, read(Reader(octets, HEAD_BYTES)), status)


class Repeated:
    """submit_sm to many numbers: what they share is written once. `octets` equals `encode` of the whole PDU."""

    __slots__ = ("_before", "_between")

    def __init__(self, short: Short) -> None:
        """`short` without its destination's digits, text and parameters; those come with each number."""
        bare = msgspec.structs.replace(short, text=b"", tlvs=())
        whole = _short(bare)
        source = c_octets("service_type", bare.service_type, 6) + _address("source_addr", bare.source, 21)
        self._before = source + whole[len(source) : len(source) + 2]
        self._between = b"\0" + whole[len(source) + 3 + len(bare.destination.digits) : -1]

    def octets(self, sequence: int, digits: str, text: bytes, tlvs: bytes = b"") -> bytes:
        """The PDU to one number. Raises Malformed for what does not fit."""
        if len(text) > SHORT_MESSAGE or len(digits) > 20 or not digits.isascii():
            raise Malformed("submit_sm", "a number has at most 20 digits, a text 254 octets")
        size = bytes((len(text),))
        body = b"".join((self._before, digits.encode(), self._between, size, text, tlvs))
        return HEAD.pack(HEAD_BYTES + len(body), Command.SUBMIT_SM, 0, sequence) + body


def answer_to(request: Pdu, body: Body | None = None, status: int = Status.ROK) -> Pdu:
    """The response to a request, with its sequence number."""
    return Pdu(request.command | RESPONSE, request.sequence, body if body is not None else Empty(), status)


def nack(sequence: int, status: int) -> Pdu:
    """generic_nack (s4.3): for what could not be read."""
    return Pdu(Command.GENERIC_NACK, 0 if sequence in _RESERVED else sequence, Empty(), status)


def _written(pdu: Pdu) -> bytes:
    body = pdu.body
    match body:
        case Short():
            return _short(body)
        case Taken():
            return (
                b""
                if pdu.status and not body.message_id
                else c_octets("message_id", body.message_id, 65) + tlvs_of(body.tlvs)
            )
        case Bind():
            return _bind(body)
        case BindResp():
            return (
                b""
                if pdu.status and not body.system_id
                else c_octets("system_id", body.system_id, 16) + tlvs_of(body.tlvs)
            )
        case Data():
            return b"".join(
                (
                    c_octets("service_type", body.service_type, 6),
                    _address("source_addr", body.source, 65),
                    _address("destination_addr", body.destination, 65),
                    octet("esm_class", body.esm_class),
                    octet("registered_delivery", body.registered_delivery),
                    octet("data_coding", body.data_coding),
                    tlvs_of(body.tlvs),
                )
            )
        case Query():
            return c_octets("message_id", body.message_id, 65) + _address("source_addr", body.source, 21)
        case Queried():
            return b"" if pdu.status and not body.message_id else _queried(body)
        case Cancel():
            return b"".join(
                (
                    c_octets("service_type", body.service_type, 6),
                    c_octets("message_id", body.message_id, 65),
                    _address("source_addr", body.source, 21),
                    _address("destination_addr", body.destination, 21),
                )
            )
        case Unknown():
            return body.octets
        case Empty():
            return b""


def _short(body: Short) -> bytes:
    if len(body.text) > SHORT_MESSAGE:
        raise Malformed("short_message", f"at most {SHORT_MESSAGE} octets", command_status=Status.RINVMSGLEN)
    return b"".join(
        (
            c_octets("service_type", body.service_type, 6),
            _address("source_addr", body.source, 21),
            _address("destination_addr", body.destination, 21),
            octet("esm_class", body.esm_class),
            octet("protocol_id", body.protocol_id),
            octet("priority_flag", body.priority),
            c_octets("schedule_delivery_time", body.schedule, 17),
            c_octets("validity_period", body.validity, 17),
            octet("registered_delivery", body.registered_delivery),
            octet("replace_if_present_flag", body.replace_if_present),
            octet("data_coding", body.data_coding),
            octet("sm_default_msg_id", body.default_message),
            octet("sm_length", len(body.text)),
            body.text,
            tlvs_of(body.tlvs),
        )
    )


def _bind(body: Bind) -> bytes:
    return b"".join(
        (
            c_octets("system_id", body.system_id, 16),
            c_octets("password", body.password, 9),
            c_octets("system_type", body.system_type, 13),
            octet("interface_version", body.interface_version),
            _address("address_range", body.address_range, 41),
        )
    )


def _queried(body: Queried) -> bytes:
    return b"".join(
        (
            c_octets("message_id", body.message_id, 65),
            c_octets("final_date", body.final_date, 17),
            octet("message_state", body.message_state),
            octet("error_code", body.error),
        )
    )


def _address(field: str, address: Address, most: int) -> bytes:
    return (
        octet(f"{field}_ton", address.ton) + octet(f"{field}_npi", address.npi) + c_octets(field, address.digits, most)
    )


def _read_address(reader: Reader, field: str, most: int) -> Address:
    ton, npi = reader.octet(f"{field}_ton"), reader.octet(f"{field}_npi")
    return Address(reader.text(field, most), ton, npi)


def _read_bind(reader: Reader) -> Body:
    system_id, password = reader.text("system_id", 16), reader.text("password", 9)
    kind, version = reader.text("system_type", 13), reader.octet("interface_version")
    return Bind(system_id, password, kind, version, _read_address(reader, "address_range", 41))


def _read_bind_resp(reader: Reader) -> Body:
    return BindResp(reader.text("system_id", 16), reader.tlvs())


def _read_short(reader: Reader) -> Body:
    service_type = reader.text("service_type", 6)
    source = _read_address(reader, "source_addr", 21)
    destination = _read_address(reader, "destination_addr", 21)
    esm_class, protocol_id, priority = (reader.octet(one) for one in ("esm_class", "protocol_id", "priority_flag"))
    schedule, validity = reader.text("schedule_delivery_time", 17), reader.text("validity_period", 17)
    registered, replace = reader.octet("registered_delivery"), reader.octet("replace_if_present_flag")
    coding, default = reader.octet("data_coding"), reader.octet("sm_default_msg_id")
    length = reader.octet("sm_length")
    if length > SHORT_MESSAGE:
        raise Malformed("sm_length", f"at most {SHORT_MESSAGE}", command_status=Status.RINVMSGLEN)
    return Short(
        source=source,
        destination=destination,
        text=reader.octets("short_message", length),
        service_type=service_type,
        esm_class=esm_class,
        protocol_id=protocol_id,
        priority=priority,
        schedule=schedule,
        validity=validity,
        registered_delivery=registered,
        replace_if_present=replace,
        data_coding=coding,
        default_message=default,
        tlvs=reader.tlvs(),
    )


def _read_data(reader: Reader) -> Body:
    service_type = reader.text("service_type", 6)
    source, destination = _read_address(reader, "source_addr", 65), _read_address(reader, "destination_addr", 65)
    esm_class, registered = reader.octet("esm_class"), reader.octet("registered_delivery")
    return Data(
        source=source,
        destination=destination,
        service_type=service_type,
        esm_class=esm_class,
        registered_delivery=registered,
        data_coding=reader.octet("data_coding"),
        tlvs=reader.tlvs(),
    )


def _read_taken(reader: Reader) -> Body:
    return Taken(reader.text("message_id", 65), reader.tlvs())


def _read_query(reader: Reader) -> Body:
    return Query(reader.text("message_id", 65), _read_address(reader, "source_addr", 21))


def _read_queried(reader: Reader) -> Body:
    id, date = reader.text("message_id", 65), reader.text("final_date", 17)
    return Queried(id, date, reader.octet("message_state"), reader.octet("error_code"))


def _read_cancel(reader: Reader) -> Body:
    service_type, id = reader.text("service_type", 6), reader.text("message_id", 65)
    source = _read_address(reader, "source_addr", 21)
    return Cancel(id, source, _read_address(reader, "destination_addr", 21), service_type)


def _read_empty(reader: Reader) -> Body:
    if not reader.is_over:
        raise Malformed("command_length", "this command has no body")
    return Empty()


_READ: Final[dict[int, Callable[[Reader], Body]]] = {
    **dict.fromkeys(BINDS, _read_bind),
    **{bind | RESPONSE: _read_bind_resp for bind in BINDS},
    Command.SUBMIT_SM: _read_short,
    Command.DELIVER_SM: _read_short,
    Command.DATA_SM: _read_data,
    Command.SUBMIT_SM_RESP: _read_taken,
    Command.DELIVER_SM_RESP: _read_taken,
    Command.DATA_SM_RESP: _read_taken,
    Command.QUERY_SM: _read_query,
    Command.QUERY_SM_RESP: _read_queried,
    Command.CANCEL_SM: _read_cancel,
    Command.CANCEL_SM_RESP: _read_empty,
    Command.REPLACE_SM_RESP: _read_empty,
    Command.UNBIND: _read_empty,
    Command.UNBIND_RESP: _read_empty,
    Command.ENQUIRE_LINK: _read_empty,
    Command.ENQUIRE_LINK_RESP: _read_empty,
    Command.GENERIC_NACK: _read_empty,
}
_EMPTIED: Final[dict[int, Body]] = {
    **{bind | RESPONSE: BindResp() for bind in BINDS},
    Command.SUBMIT_SM_RESP: Taken(),
    Command.DELIVER_SM_RESP: Taken(),
    Command.DATA_SM_RESP: Taken(),
    Command.QUERY_SM_RESP: Queried(),
}
