"""Numbers in words: one way each, whoever shows them."""

from __future__ import annotations

import pytest

from ace_cli.report.format import count, duration, money, percent


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (42.4, "42 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)  # fmt: skip
def test_times(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("cost", "words"),
    [(None, "unknown price"), (0.0, "$0.00"), (0.00001, "<$0.0001"), (0.00123, "$0.0012"), (1234.5, "$1,234.50")],
)  # fmt: skip
def test_money(cost: float | None, words: str) -> None:
    assert money(cost) == words


@pytest.mark.parametrize(
    ("share", "places", "words"), [(0.4, 1, "40.0 %"), (1, 0, "100 %"), (0.0005, 1, "0.1 %"), (0, 0, "0 %")]
)
def test_shares(share: float, places: int, words: str) -> None:
    assert percent(share, places) == words


@pytest.mark.parametrize(
    ("number", "nouns", "words"),
    [
        (1, ["bullet"], "1 bullet"),
        (0, ["bullet"], "0 bullets"),
        (2000, ["batch", "batches"], "2,000 batches"),
    ],
)
def test_counts(number: int, nouns: list[str], words: str) -> None:
    assert count(number, *nouns) == words
