"""Which bullets, in which order: what inspect, its browser and export share."""

from __future__ import annotations

import pytest

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, PlaybookStage, Section
from ace_cli.playbook.filters import SORT_KEYS, BulletFilter

BULLETS = (
    Bullet("B2", "Convert UNITS first", "finance", confidence=0.9, activation_count=1, helpful_count=1),
    Bullet("B10", "Round late", "general", Section.HARMFUL, confidence=0.9, activation_count=8, harmful_count=3),
    Bullet("B1", "Straße: units of length", "general", confidence=0.2, created_at="2026-01-02"),
    Bullet("B3", "Round early", "general", stage=PlaybookStage.QUARANTINED, confidence=0.1, created_at="2026-01-01"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (BulletFilter(), "B2 B10 B1 B3"),
        (BulletFilter(domain="general"), "B10 B1 B3"),
        (BulletFilter(domain="General"), ""),
        (BulletFilter(section=Section.HARMFUL), "B10"),
        (BulletFilter(stage=PlaybookStage.QUARANTINED), "B3"),
        (BulletFilter(include_quarantined=False), "B2 B10 B1"),
        (BulletFilter(stage=PlaybookStage.QUARANTINED, include_quarantined=False), "B3"),
        (BulletFilter(min_confidence=0.2), "B2 B10 B1"),
        (BulletFilter(min_activations=2), "B10"),
        (BulletFilter(search="units"), "B2 B1"),
        (BulletFilter(search="  first units "), "B2"),
        (BulletFilter(search="finance"), "B2"),
        (BulletFilter(search="STRASSE"), "B1"),
        (BulletFilter(search="units nothing"), ""),
        (BulletFilter(top=2), "B2 B10"),
        (BulletFilter(top=1), "B10"),
        (BulletFilter(top=0), ""),
        (BulletFilter(limit=1), "B2"),
        (BulletFilter(sort="id"), "B1 B2 B3 B10"),
        (BulletFilter(sort="id", reverse=True, limit=2), "B10 B3"),
        (BulletFilter(sort="best"), "B10 B2 B1 B3"),
        (BulletFilter(sort="harmful"), "B10 B2 B1 B3"),
        (BulletFilter(sort="created", limit=4), "B2 B10 B3 B1"),
        (BulletFilter(sort="length", limit=1), "B1"),
        (BulletFilter(top=2, sort="id"), "B2 B10"),
    ],
)
def test_a_filter_chooses_and_orders(wanted: BulletFilter, ids: str) -> None:
    assert [bullet.id for bullet in wanted.apply(BULLETS)] == ids.split()


@pytest.mark.parametrize("key", SORT_KEYS)
def test_every_sort_key_keeps_all_bullets(key: str) -> None:
    assert sorted(b.id for b in BulletFilter(sort=key).apply(BULLETS)) == ["B1", "B10", "B2", "B3"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sort": "luck"}, "cannot sort by 'luck'"),
        ({"min_confidence": 1.1}, "between 0 and 1"),
        ({"min_confidence": float("nan")}, "between 0 and 1"),
        ({"limit": -1}, "limit is -1"),
        ({"min_activations": -2}, "min-activations is -2"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BulletFilter(**wrong)  # type: ignore[arg-type]
