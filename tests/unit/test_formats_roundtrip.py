"""What json, jsonl and paper write is read back; and no bytes whatever make a reader fall over."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook, PlaybookStage, Section, confidence
from ace_cli.playbook.formats import dump_playbook, parse_playbook
from ace_cli.playbook.formats.ace_json import dump_jsonl
from ace_cli.playbook.formats.paper import dump_paper
from ace_cli.text import visible_line
from support.fuzzing import usually

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda text: text.strip()
)
WORD = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)
COUNT = st.integers(0, 2**40)
KNOWN = {"version", "created_at", "training_config", "bullets", "skills", "playbook", "content", "id"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FIELDS = {field for field in Bullet.__dataclass_fields__ if field != "extra"}
EXTRA = st.dictionaries(TEXT.filter(lambda name: name not in KNOWN | FIELDS), VALUES, max_size=2)


@st.composite
def bullets(draw: st.DrawFn) -> Bullet:
    return Bullet(
        id=draw(WORD),
        content=draw(TEXT),
        domain_id=draw(st.sampled_from(["general", "finance"]) | TEXT),
        section=draw(st.sampled_from(Section)),
        stage=draw(st.sampled_from(PlaybookStage)),
        activation_count=draw(COUNT),
        confidence=draw(st.floats(0, 1)),
        helpful_count=draw(COUNT),
        harmful_count=draw(COUNT),
        neutral_count=draw(COUNT),
        sources=tuple(draw(st.lists(TEXT, max_size=3))),
        created_at=draw(st.just("") | TEXT),
        updated_at=draw(st.just("") | TEXT),
        extra=draw(EXTRA),
    )


PLAYBOOKS = st.builds(
    Playbook,
    bullets=st.lists(bullets(), max_size=5, unique_by=lambda bullet: bullet.id).map(tuple),
    created_at=st.just("") | TEXT,
    training_config=st.dictionaries(TEXT, VALUES, max_size=3),
    extra=EXTRA,
)
relaxed = settings(deadline=None, max_examples=usually(100))


@given(PLAYBOOKS)
@relaxed
def test_json_and_jsonl_are_read_back_as_they_were(playbook: Playbook) -> None:
    assert parse_playbook(dump_playbook(playbook), "pb") == playbook
    assert parse_playbook(dump_jsonl(playbook), "pb") == playbook


@given(PLAYBOOKS)
@relaxed
def test_the_papers_form_is_read_back_as_far_as_it_carries(playbook: Playbook) -> None:
    again = parse_playbook(dump_paper(playbook) or b"## \n", "pb")
    assert {b.id: b for b in again.bullets} == {b.id: _on_paper(b) for b in playbook.bullets}
    assert dump_paper(again) == dump_paper(playbook)


@given(
    st.lists(
        bullets().map(lambda b: replace(b, section=Section.HELPFUL, domain_id="general")),
        max_size=4,
        unique_by=lambda b: b.id,
    )
)
@relaxed
def test_within_a_section_the_papers_form_keeps_the_order(some: list[Bullet]) -> None:
    again = parse_playbook(dump_paper(Playbook(bullets=tuple(some))) or b"## \n", "pb")
    assert [b.id for b in again.bullets] == [b.id for b in some]


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@settings(deadline=None, max_examples=usually(300))
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    _read_or_refuse(data)


@given(
    PLAYBOOKS, st.integers(0), st.binary(max_size=3), st.sampled_from([dump_playbook, dump_jsonl, dump_paper])
)
@settings(deadline=None, max_examples=usually(150))
def test_a_damaged_file_is_read_or_refused(playbook: Playbook, at: int, noise: bytes, dump: Any) -> None:
    data = dump(playbook)
    at %= len(data) + 1
    _read_or_refuse(data[:at])
    _read_or_refuse(data[:at] + noise + data[at + 1 :])


@given(
    st.dictionaries(st.sampled_from(sorted(KNOWN)), VALUES, max_size=5)
    | st.lists(st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES), max_size=3)
)
@settings(deadline=None, max_examples=usually(150))
def test_json_of_wrong_kinds_is_read_or_refused(value: Any) -> None:
    _read_or_refuse(json.dumps(value).encode())


def _read_or_refuse(data: bytes) -> None:
    try:
        playbook = parse_playbook(data, "pb")
    except UsageError as error:
        assert_one_line(error)
    else:
        assert parse_playbook(dump_playbook(playbook), "pb") == playbook


def assert_one_line(error: UsageError) -> None:
    assert "\n" not in error.message
    assert len(error.message) < 400


def _on_paper(bullet: Bullet) -> Bullet:
    domain = visible_line(bullet.domain_id)
    return Bullet(
        id=bullet.id,
        content=visible_line(bullet.content),
        domain_id=domain or "general",
        section=bullet.section,
        confidence=confidence(bullet.helpful_count, bullet.harmful_count),
        helpful_count=bullet.helpful_count,
        harmful_count=bullet.harmful_count,
    )
