"""Allocation: who gets how many boxes tomorrow, why, how fair that is; proposed, compared, adjusted and approved."""
