"""Differences of playbooks and edits by hand, for any playbook."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook, PlaybookStage
from ace_cli.playbook.diff import PlaybookDiff, diff
from ace_cli.playbook.edit import EditSession
from ace_cli.playbook.nearest import nearest_ids

bullets = st.builds(
    Bullet,
    id=st.sampled_from([f"B{n:03d}" for n in range(1, 12)]),
    content=st.sampled_from(["convert units", "round late", "read again", "halve pairs"]),
    domain_id=st.sampled_from(["math", "general"]),
    stage=st.sampled_from(PlaybookStage),
    helpful_count=st.integers(0, 2),
)
playbooks = st.lists(bullets, unique_by=lambda bullet: bullet.id).map(lambda found: Playbook(tuple(found)))


@given(playbooks, playbooks)
def test_every_bullet_is_accounted_for_once(before: Playbook, after: Playbook) -> None:
    found = diff(before, after)
    assert len(found.added) + len(found.changed) + found.unchanged == len(after)
    assert len(found.removed) + len(found.changed) + found.unchanged == len(before)
    for change in found.changed:
        assert change.fields
        assert all(getattr(change.before, name) != getattr(change.after, name) for name in change.fields)


@given(playbooks)
def test_a_playbook_does_not_differ_from_itself(playbook: Playbook) -> None:
    nothing = PlaybookDiff((), (), (), len(playbook))
    assert diff(playbook, playbook) == nothing
    assert diff(playbook, Playbook(playbook.bullets[::-1])) == nothing, "order is no difference"


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        (Bullet("B001", "a"), Bullet("B007", "a"), ("id",)),
        (Bullet("B001", "a"), Bullet("B001", "b"), ("content",)),
        (Bullet("B001", "a"), Bullet("B001", "a", created_at="2026", updated_at="2027"), ()),
        (Bullet("B001", "a"), Bullet("B001", "a", extra={"tool": 1}), ("extra",)),
    ],
)
def test_what_counts_as_the_same_bullet(before: Bullet, after: Bullet, fields: tuple[str, ...]) -> None:
    found = diff(Playbook((before,)), Playbook((after,)))
    assert [change.fields for change in found.changed] == ([fields] if fields else [])
    assert not found.added
    assert not found.removed


edits: st.SearchStrategy[Callable[[EditSession, str], object]] = st.sampled_from(
    [
        lambda session, bullet_id: session.delete(bullet_id),
        lambda session, bullet_id: session.set_stage(bullet_id, PlaybookStage.PRODUCTION),
        lambda session, bullet_id: session.reword(bullet_id, "another wording"),
    ]
)


@given(playbooks, st.lists(st.tuples(edits, st.integers(0, 20))))
def test_undo_leads_back_to_the_start(
    playbook: Playbook, plan: list[tuple[Callable[[EditSession, str], object], int]]
) -> None:
    session = EditSession(playbook, by="alice", now=lambda: "2026-11-22T10:00:00Z")
    for edit, position in plan:
        if session.playbook.bullets:
            edit(session, session.playbook.bullets[position % len(session.playbook)].id)
    notes = session.result().extra.get("edits", [])
    assert len(notes) == len(session.edits)
    assert session.is_dirty is bool(notes)
    while session.undo():
        pass
    assert session.result() == playbook
    assert not session.is_dirty


def test_another_tools_field_of_that_name_is_kept() -> None:
    session = EditSession(Playbook((Bullet("B001", "a"),), extra={"edits": "mine"}), by="alice")
    session.delete("B001")
    first, second = session.result().extra["edits"]
    assert first == "mine"
    assert second["before"]["content"] == "a"


def test_an_empty_wording_is_refused() -> None:
    with pytest.raises(UsageError, match="B001"):
        EditSession(Playbook((Bullet("B001", "a"),))).reword("B001", " \n ")


@given(st.text(max_size=8), st.lists(st.text(max_size=8), unique=True))
def test_nearest_ids_come_from_the_list(wanted: str, known: list[str]) -> None:
    found = nearest_ids(wanted, known)
    assert set(found) <= set(known)
    assert len(set(found)) == len(found) <= 3
    assert bool(found) is bool(known)
