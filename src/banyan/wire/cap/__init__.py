"""Common Alerting Protocol 1.2: the alert, its XML, its rules, its signature, its chains and its feeds."""
