"""A payment provider to try with: transfer numbers, a card's page, slips, signed words, refunds, and its faults."""
