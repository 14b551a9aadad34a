"""LINE: the dialogue as a LINE Official Account. It knows operations, and no service by name."""

from banyan.channel.line.desk import Heard, lend_ear
from banyan.channel.line.service import LineDesk, build_line

__all__ = ["Heard", "LineDesk", "build_line", "lend_ear"]
