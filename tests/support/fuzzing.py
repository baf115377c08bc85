"""How much is tried: ``FUZZ_EXAMPLES`` inputs a test (about 100 without; `make fuzz` sets 10,000), however slow."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))

fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
"""A decorator above ``@given``."""


def usually(count: int) -> int:
    """The number of inputs of a test that has its own when nothing else is asked for."""
    return EXAMPLES if "FUZZ_EXAMPLES" in os.environ else count


def fewer(share: int) -> settings:
    """As ``fuzzed``, for tests whose every input is dear: one in ``share``."""
    return settings(fuzzed, max_examples=max(10, EXAMPLES // share))
