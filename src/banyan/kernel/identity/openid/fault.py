"""A refusal in OAuth's own words (RFC 6749 s5.2): `error` is the problem's kind, `error_description` its title."""

from __future__ import annotations

from banyan.errors import Problem


class Fault(Problem):
    """`description` tells a developer what to change; it never repeats a secret or says whether an account exists."""

    status = 400

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(description, kind=error, status=status, remedy=description)
        self.headers = headers


def invalid_client() -> Fault:
    """One answer for an unknown app, a wrong key and a wrong secret."""
    return Fault("invalid_client", "client authentication failed", status=401)


def invalid_grant(why: str = "the code or token is not valid for this client") -> Fault:
    return Fault("invalid_grant", why)
