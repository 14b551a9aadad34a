"""Officers and contents for the tests of alerts."""

from __future__ import annotations

from banyan.kernel.events.clock import EpochS
from banyan.service.alerts.model import Area, Content, Who, Words

NOW = EpochS(1_795_438_800.0)
AUTHOR, OTHER = Who("o-1", "TW/GOV/EOC"), Who("o-2", "TW/GOV/EOC")
SECOND, STRANGER = Who("o-3", "TW/GOV/CDC"), Who("o-4", "TW/GOV/TAX")
WORDS = {
    "zh-Hant": Words("花蓮縣淹水警戒", "雨量已達警戒值。", "請移往高處"),
    "en": Words("Flood warning: Hualien County", "Rain has reached the alarm value.", "Move to higher ground"),
}
HUALIEN = Area({"zh-Hant": "花蓮縣", "en": "Hualien County"}, "10015")
CONTENT = Content(
    event="flood", status="Actual", severity="Severe", urgency="Immediate", certainty="Observed", level="emergency",
    onset=NOW, expires=EpochS(NOW + 6 * 3_600), words=WORDS, areas=(HUALIEN,), contact="1999",
)  # fmt: skip
