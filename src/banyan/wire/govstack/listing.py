"""Lists of clients and services as GovStack's Service Metadata API 1.0 spells them: camelCase, `application`.

Source: bb-information-mediator `GovStack_IM_Directory_Services_API.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.members import Listed
from banyan.wire.xroad.methods import Offered

Kind = Literal["MEMBER", "APPLICATION", "SERVICE"]


class _Camel(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Names as GovStack writes them."""


class _Id(_Camel, frozen=True):
    object_type: Kind
    instance_id: str
    member_class: str
    member_code: str
    application_code: str = ""


class _Client(_Camel, frozen=True):
    name: str
    id: _Id


class _Endpoints(msgspec.Struct, frozen=True):
    member: tuple[Endpoint, ...]


class _Service(_Camel, frozen=True):
    object_type: Kind
    service_type: str
    instance_id: str
    member_class: str
    member_code: str
    application_code: str
    service_code: str
    endpoint_list: _Endpoints


def encode_clients(listed: Iterable[Listed]) -> bytes:
    """`restClientDetailsListType`."""
    return msgspec.json.encode({"member": [_client(one) for one in listed]})


def encode_services(offered: Iterable[Offered]) -> bytes:
    """`restServiceDetailsListType`, for listMethods and allowedMethods."""
    return msgspec.json.encode({"member": [_service(one) for one in offered]})


def _client(one: Listed) -> _Client:
    kind: Kind = "APPLICATION" if one.id.subsystem else "MEMBER"
    identifier = _Id(kind, one.id.instance, one.id.member_class, one.id.member, one.id.subsystem)
    return _Client(one.subsystem_name or one.name, identifier)


def _service(one: Offered) -> _Service:
    """`one.id` has its five parts."""
    of, endpoints = one.id, _Endpoints(one.endpoints)
    return _Service("SERVICE", one.type, of.instance, of.member_class, of.member, of.subsystem, of.service, endpoints)
