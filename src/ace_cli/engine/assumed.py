"""What is taken to be so where calls are counted before the first one is made."""

ASSUMED_COMPLETION = 300
"""Tokens of a reply, where the role sets no limit."""
INSIGHT_TOKENS = 25
"""Tokens of one bullet line, on average."""
SAMPLE = 50
"""Examples whose tokens are counted; the mean stands for all."""
