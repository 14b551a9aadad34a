"""Proof: records of use."""

from banyan.kernel.ledger.usage import OpenUsage, UsageSink, Use

__all__ = ["OpenUsage", "UsageSink", "Use"]
