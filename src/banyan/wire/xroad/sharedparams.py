"""`shared-params.xml` of version 5: members, their subsystems and gateways, as the field's tools read it.

Order of elements and names as in X-Road's `shared-parameters.xsd`; elements inside `tns:conf` have no namespace.
Source: X-Road PR-GCONF Annex B, samples `globalconf_good_v5`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from banyan.errors import Invalid
from banyan.wire import xmltext
from banyan.wire.xroad.identifiers import ClientId, ServerId
from banyan.wire.xroad.members import Listed

VERSION: Final = 5
_ROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
_IDS: Final = "http://x-road.eu/xsd/identifiers"
_PROFILE: Final = "ee.ria.xroad.common.certificateprofile.impl.BasicCertificateProfileInfoProvider"
"""The field asks for a Java class here; readers that are no Java pass over it."""
OCSP_FRESHNESS_S: Final = 3_600
"""The field's default. Nothing of ours asks an OCSP responder: certificates are short-lived and revoked by name."""


class Source(msgspec.Struct, frozen=True):
    """Who signs the configuration: its address, and its certificate in DER."""

    address: str
    certificate: bytes


class Authority(msgspec.Struct, frozen=True):
    """A certification authority whose certificates are taken: its name and its certificate in DER."""

    name: str
    certificate: bytes


class Server(msgspec.Struct, frozen=True):
    """One gateway. `certificates`: SHA-256 of the DER of each that it may show."""

    id: ServerId
    address: str
    certificates: tuple[bytes, ...] = ()
    clients: tuple[ClientId, ...] = ()
    notice: str = ""
    """Why it is in maintenance."""


class SharedParams(msgspec.Struct, frozen=True):
    """One instance. Every client of a server, and every server's owner, is a member or subsystem listed in it."""

    instance: str
    listed: Sequence[Listed]
    servers: Sequence[Server] = ()
    authorities: Sequence[Authority] = ()
    sources: Sequence[Source] = ()


def encode(params: SharedParams) -> bytes:
    """Equal parameters are equal bytes, in whatever order they came."""
    ids = _ids(params)
    names = {"xmlns:id": _IDS, "xmlns:tns": _ROAD}
    inner = "".join(
        (
            xmltext.element("instanceIdentifier", params.instance),
            *map(_source, params.sources),
            *map(_authority, params.authorities),
            *_members(params.listed, ids),
            *(_server(one, ids) for one in sorted(params.servers, key=lambda one: one.id)),
            _settings(params.listed),
        )
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return (head + xmltext.element("tns:conf", attributes=names, inner=inner)).encode()


def parse(body: bytes) -> SharedParams:
    """Members and gateways of a document of version 2 or later, another gateway's too. Raises Invalid or Limit."""
    root = xmltext.parse(body)
    instance = root.findtext("instanceIdentifier") or ""
    if root.tag != f"{{{_ROAD}}}conf" or not instance:
        raise Invalid.at("body", "Send <conf> of http://x-road.eu/xsd/xroad.xsd with an <instanceIdentifier>.")
    known: dict[str, ClientId] = {}
    listed: list[Listed] = []
    for member in root.findall("member"):
        listed += _read_member(member, instance, known)
    servers = tuple(_read_server(server, known) for server in root.findall("securityServer"))
    return SharedParams(instance, tuple(listed), servers)


def _ids(params: SharedParams) -> dict[ClientId, str]:
    """`id` attributes: XML names, the same for the same list."""
    known = sorted({name for one in params.listed for name in (one.id, one.id.owner)})
    assert all(one.instance == params.instance for one in known), "one document tells of one instance"
    return {one: f"id{at}" for at, one in enumerate(known)}


def _members(listed: Sequence[Listed], ids: dict[ClientId, str]) -> Iterable[str]:
    names = {one.id.owner: one.name for one in listed}
    systems = {one.id: one.subsystem_name for one in listed if one.id.subsystem}
    of_member: dict[ClientId, list[ClientId]] = {member: [] for member in names}
    for system in sorted(systems):
        of_member[system.owner].append(system)
    for member in sorted(names):
        inner = xmltext.element("memberClass", inner=_class(member.member_class))
        inner += xmltext.element("memberCode", member.member) + xmltext.element("name", names[member])
        for system in of_member[member]:
            told = xmltext.element("subsystemCode", system.subsystem)
            if systems[system]:
                told += xmltext.element("subsystemName", systems[system])
            inner += xmltext.element("subsystem", attributes={"id": ids[system]}, inner=told)
        yield xmltext.element("member", attributes={"id": ids[member]}, inner=inner)


def _server(server: Server, ids: dict[ClientId, str]) -> str:
    owner = ClientId(server.id.instance, server.id.member_class, server.id.member)
    inner = xmltext.element("owner", ids[owner]) + xmltext.element("serverCode", server.id.server)
    inner += xmltext.element("address", server.address)
    inner += "".join(xmltext.element("authCertHash", _b64(one)) for one in sorted(server.certificates))
    inner += "".join(xmltext.element("client", ids[one]) for one in sorted(server.clients))
    if server.notice:
        inner += xmltext.element("inMaintenanceMode", inner=xmltext.element("message", server.notice))
    return xmltext.element("securityServer", inner=inner)


def _source(source: Source) -> str:
    inner = xmltext.element("address", source.address)
    for name in ("internalVerificationCert", "externalVerificationCert"):
        inner += xmltext.element(name, _b64(source.certificate))
    return xmltext.element("source", inner=inner)


def _authority(authority: Authority) -> str:
    inner = xmltext.element("name", authority.name)
    inner += xmltext.element("topCA", inner=xmltext.element("cert", _b64(authority.certificate)))
    return xmltext.element("approvedCA", inner=inner + xmltext.element("certificateProfileInfo", _PROFILE))


def _settings(listed: Sequence[Listed]) -> str:
    classes = sorted({one.id.member_class for one in listed})
    inner = "".join(xmltext.element("memberClass", inner=_class(one)) for one in classes)
    return xmltext.element(
        "globalSettings", inner=inner + xmltext.element("ocspFreshnessSeconds", str(OCSP_FRESHNESS_S))
    )


def _class(code: str) -> str:
    return xmltext.element("code", code) + xmltext.element("description", code)


def _read_member(member: Element, instance: str, known: dict[str, ClientId]) -> list[Listed]:
    owner = ClientId(instance, member.findtext("memberClass/code") or "", member.findtext("memberCode") or "")
    if not all(owner.parts):
        raise Invalid.at("body", "Give each <member> a class and a code.")
    name = member.findtext("name") or ""
    known[member.get("id") or ""] = owner
    listed = [Listed(owner, name)]
    for system in member.findall("subsystem"):
        code = system.findtext("subsystemCode") or ""
        if not code:
            raise Invalid.at("body", "Give each <subsystem> a code.")
        found = msgspec.structs.replace(owner, subsystem=code)
        known[system.get("id") or ""] = found
        listed.append(Listed(found, name, system.findtext("subsystemName") or ""))
    return listed


def _read_server(server: Element, known: dict[str, ClientId]) -> Server:
    try:
        owner = known[server.findtext("owner") or ""]
        clients = tuple(known[one.text or ""] for one in server.findall("client"))
        hashes = tuple(
            base64.b64decode("".join((one.text or "").split()), validate=True) for one in server.findall("authCertHash")
        )
    except (KeyError, ValueError) as error:
        raise Invalid.at("body", "Let each server name members by their id and certificates in base64.") from error
    code = server.findtext("serverCode") or ""
    identifier = ServerId(owner.instance, owner.member_class, owner.member, code)
    notice = server.findtext("inMaintenanceMode/message") or ""
    if not notice and server.find("inMaintenanceMode") is not None:
        notice = "in maintenance"
    return Server(identifier, server.findtext("address") or "", hashes, clients, notice)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
