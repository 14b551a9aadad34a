"""Follow other authorities' feeds of alerts: fetch politely, judge each alert, keep the verdict beside it."""
