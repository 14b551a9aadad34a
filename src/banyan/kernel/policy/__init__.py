"""Why: legal basis, purpose, and the decision with its explanation."""

from banyan.kernel.policy.decision import Decision, decide

__all__ = ["Decision", "decide"]
