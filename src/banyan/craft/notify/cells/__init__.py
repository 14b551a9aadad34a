"""Cell broadcast: one message to every phone in a cell, known to nobody by name (災防告警細胞廣播)."""
