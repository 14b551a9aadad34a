"""Times of SMPP (s7.1.1): `YYMMDDhhmmsstnnp`, absolute with its quarter hours from UTC, or relative with `R`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from banyan.wire.smpp.codes import Status
from banyan.wire.smpp.fields import Malformed

_FORM: Final = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9])([0-9]{2})([-+R])", re.ASCII
)


def relative(seconds: float) -> str:
    """From the SMSC's own now: its clock need not agree with ours. At least one second, at most 99 days."""
    whole = min(max(int(seconds), 1), 99 * 86_400 - 1)
    days, rest = divmod(whole, 86_400)
    months, days = divmod(days, 30)
    return f"00{months:02}{days:02}{rest // 3600:02}{rest // 60 % 60:02}{rest % 60:02}000R"


def absolute(at: float) -> str:
    """A moment (epoch seconds) in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%y%m%d%H%M%S") + "000+"


def moment(text: str, now: float) -> float:
    """Epoch seconds of a time field. Raises Malformed."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise Malformed("validity_period", "write YYMMDDhhmmsstnnp", command_status=Status.RINVEXPIRY)
    year, month, day, hour, minute, second, tenth, quarters = (int(one) for one in match.groups()[:8])
    if match[9] == "R":
        return now + (year * 365 + month * 30 + day) * 86_400.0 + hour * 3600 + minute * 60 + second
    try:
        found = datetime(2000 + year, month, day, hour, minute, second, tenth * 100_000, UTC)
    except ValueError:
        raise Malformed("validity_period", "there is no such moment", command_status=Status.RINVEXPIRY) from None
    away = timedelta(minutes=15 * quarters)
    return (found - away if match[9] == "+" else found + away).timestamp()
