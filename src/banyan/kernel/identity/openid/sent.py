"""What a client sent, as the protocol reads it: parameters that come once, and where and when they came."""

from __future__ import annotations

import msgspec

from banyan.kernel.identity.openid.fault import Fault

Pairs = tuple[tuple[str, str], ...]


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One protocol message. `issuer` is the configured public origin: never what a Host header says."""

    issuer: str
    method: str
    path: str
    form: Pairs = ()
    authorization: str = ""
    dpop: str = ""
    network: str = ""
    browser: str = ""
    """The value of this provider's cookie."""
    lang: str = "zh-Hant"
    device: str = ""
    """The value of a kiosk's own cookie."""
    trace: str = ""

    @property
    def url(self) -> str:
        return self.issuer + self.path

    def get(self, name: str) -> str:
        """A parameter, or empty. Raises Fault when it came twice (RFC 6749 s3.1)."""
        found = [value for key, value in self.form if key == name]
        if len(found) > 1:
            raise Fault("invalid_request", f"{name} came twice")
        return found[0] if found else ""

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.form if key == name and value)


class Answer(msgspec.Struct, frozen=True):
    """What goes back: JSON (`body`), or a redirect (`location`)."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(value: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(msgspec.json.encode(value), status=status, headers=headers)
