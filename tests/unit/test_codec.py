"""Records to JSON and back: whatever a text holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli.data import Example
from ace_cli.playbook import (
    Add,
    Answers,
    Bullet,
    Confirm,
    Credit,
    Delta,
    Drop,
    Link,
    PlaybookStage,
    Section,
    SetAside,
    TakeBack,
    Vote,
)
from ace_cli.runs.codec import decode, delta_row, dumps, loads
from ace_cli.stages.base import Attempt, Insight, Reflection
from support.fuzzing import fuzzed

texts = st.text(st.characters(codec=None), max_size=40)
sections = st.sampled_from(Section)
insights = st.builds(Insight, texts, sections, st.floats(0, 1))
bullets = st.builds(
    Bullet, texts, texts, texts, sections, st.sampled_from(PlaybookStage), st.integers(0, 2**53),
    sources=st.lists(texts, max_size=3).map(tuple), extra=st.dictionaries(texts, texts | st.none() | st.booleans(), max_size=3),
)  # fmt: skip
changes = (
    st.builds(Add, bullets, texts, texts)
    | st.builds(Confirm, texts, texts, texts, sections, st.floats(-1, 1), texts)
    | st.builds(Vote, texts, texts, sections)
    | st.builds(Drop, texts, texts, sections, texts)
    | st.builds(
        Answers, texts, st.integers(0, 99), st.integers(0, 99), cited_wrong=st.lists(texts).map(tuple)
    )
    | st.builds(SetAside, texts, texts, texts, texts)
    | st.builds(TakeBack, texts, texts, texts)
    | st.builds(Link, texts, texts, texts)
)


@fuzzed
@given(st.builds(Example, texts, texts, texts, texts, texts))
def test_property_examples_come_back(example: Example) -> None:
    assert decode(Example, loads(dumps(example))) == example


@fuzzed
@given(st.builds(Reflection, st.lists(insights, max_size=3).map(tuple), reasoning=texts))
def test_property_nested_records_come_back(reflection: Reflection) -> None:
    assert decode(Reflection, loads(dumps(reflection))) == reflection


@fuzzed
@given(st.builds(Delta, texts, st.lists(changes, max_size=4).map(tuple), st.sampled_from(Credit)))
def test_property_each_change_comes_back_as_its_kind(delta: Delta) -> None:
    body = dumps(delta_row(delta))
    assert decode(Delta, loads(body)) == delta


def test_what_is_written_is_valid_unicode_and_json() -> None:
    text = dumps(Insight("\ud800\x00\U0001f642"))
    assert text.encode()
    assert json.loads(text)["content"] == loads(text.encode())["content"] == "\ufffd\x00\U0001f642"


def test_large_numbers_and_odd_mappings_are_written() -> None:
    assert loads(dumps({"n": 2**63 - 1})) == {"n": 2**63 - 1}
    assert loads(dumps(MappingProxyType({"x": Section.NEUTRAL, "y": 2**64 - 1}))) == {
        "x": "neutral",
        "y": 2**64 - 1,
    }
    with pytest.raises(TypeError, match="object is not JSON"):
        dumps(object())


def test_a_later_versions_field_is_ignored_and_a_missing_one_is_not() -> None:
    assert decode(Attempt, {"answer": "4", "mood": "good"}) == Attempt("4")
    with pytest.raises(TypeError):
        decode(Attempt, {"reasoning": "none"})
    with pytest.raises(ValueError, match="no such"):
        decode(Insight, {"content": "x", "section": "no such"})


def test_optional_and_missing_parts_stay_so() -> None:
    @dataclass(frozen=True)
    class Inner:
        tags: tuple[str, ...] = ()

    assert decode(Inner, {"tags": ["a", "b"]}) == Inner(("a", "b"))
    assert decode(Inner, {}) == Inner()
