"""A refusal in OAuth's own words (RFC 6749 s5.2): `error` is the problem's kind, `error_description` its title."""

from __future__ import annotations

from banyan.errors import Problem


class Fault(Problem):
    """`description` tells a developer what to change; it never repeats a secret or says whether an account exists."""

    status = 400

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        headers: tuple[tuple[str, str], ...] = (),
        alarm: str = "",
    ) -> None:
        super().__init__(description, kind=error, status=status, remedy=description)
        self.headers = headers
        self.alarm = alarm or error
        """What the record of alarms calls it: more than the client is told."""


def invalid_client(alarm: str = "") -> Fault:
    """One answer for an unknown app, a wrong key and a wrong secret."""
    return Fault("invalid_client", "client authentication failed", status=401, alarm=alarm)


def invalid_grant(alarm: str = "") -> Fault:
    """One answer for whatever a code or refresh token lacks."""
    return Fault("invalid_grant", "the code or token is not valid for this client", alarm=alarm)
