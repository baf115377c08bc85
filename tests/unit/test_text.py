"""Valid Unicode at the doors: what is no character comes in as U+FFFD, or is refused by name."""

from __future__ import annotations

import os
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ace_cli import Bullet, Example, Playbook, TrainingConfig
from ace_cli.api import OfflineTrainer
from ace_cli.errors import UsageError
from ace_cli.llm.base import ChatReply, Message
from ace_cli.playbook import Add, Confirm, Delta, Drop, Section, Vote
from ace_cli.playbook.formats import dump_playbook
from ace_cli.scoring import Verdict
from ace_cli.stages.base import Attempt, BulletTag, Insight, Reflection
from ace_cli.text import is_valid, valid, valid_tree
from support.fuzzing import fuzzed
from support.inside import Inside, inside_fixture

__all__ = ["inside_fixture"]
LONE = "a\ud800b"
SOUND = "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ("ünï 🙂\0", "ünï 🙂\0"),
        (LONE, SOUND),
        ("\ud83d\ude42", "🙂"),
        ("\udce9", "\ufffd"),
    ],
)
def test_pairs_are_joined_and_lone_surrogates_replaced(text: str, said: str) -> None:
    assert valid(text) == said
    assert is_valid(text) is (text == said)


@fuzzed
@given(st.text(st.characters(codec=None), max_size=40))
def test_property_what_is_valid_can_be_written_and_stays(text: str) -> None:
    assert is_valid(valid(text))
    assert valid(valid(text)) == valid(text)


def test_keys_and_texts_of_a_tree_are_made_valid() -> None:
    tree = {LONE: [LONE, (1, LONE), {"x": None, 2: True}]}
    assert valid_tree(tree) == {SOUND: [SOUND, (1, SOUND), {"x": None, 2: True}]}


@pytest.mark.parametrize(
    "record",
    [
        Example(LONE, LONE, LONE, LONE, LONE),
        Message("user", LONE),
        ChatReply(LONE, LONE),
        Attempt(LONE, LONE, (LONE,)),
        Verdict(True, LONE, LONE, LONE),
        Insight(LONE),
        Reflection((Insight(LONE),), (BulletTag(LONE, Section.HELPFUL),), LONE, LONE, LONE, LONE),
        Bullet(LONE, LONE, LONE, sources=(LONE,), created_at=LONE, extra={LONE: [LONE]}),
        Delta(LONE, (Add(Bullet("B1", LONE), LONE), Confirm(LONE, LONE, LONE, Section.HELPFUL, 0.9, LONE))),
        Delta("now", (Vote(LONE, LONE, Section.NEUTRAL), Drop(LONE, LONE, Section.NEUTRAL, LONE))),
        Playbook((Bullet("B1", LONE),), "v1", LONE, {LONE: LONE}, {LONE: LONE}),
        UsageError(LONE, LONE),
    ],
    ids=lambda record: type(record).__name__,
)
def test_what_a_users_own_code_hands_over_is_made_valid(record: Any) -> None:
    texts = list(_texts(record))
    assert SOUND in texts
    assert all(map(is_valid, texts))


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in _texts(part))
    elif is_dataclass(value):
        yield from (text for field in fields(value) for text in _texts(getattr(value, field.name)))
    elif isinstance(value, UsageError):
        yield from (value.message, value.hint, str(value))


def test_a_playbook_made_in_python_can_be_written() -> None:
    playbook = Playbook((Bullet("B1", LONE, extra={"k": LONE}),), training_config={"dataset": LONE})
    assert dump_playbook(playbook).decode().count(SOUND) == 3


@pytest.mark.parametrize("flag", ["--scorer", "--prompts", "--output", "--generator-model"])
def test_an_argument_that_is_not_utf8_is_refused_by_name(inside: Inside, flag: str) -> None:
    said = os.fsdecode(b"caf\xe9")
    for command in (["train", flag, said], ["inspect", said]):
        done = inside(*command)
        assert (done.code, done.err.splitlines()[0]) == (2, r"error: 'caf\udce9' is not UTF-8 text")


def test_a_variable_or_a_setting_from_python_that_is_no_unicode_is_refused(inside: Inside) -> None:
    inside.set(ACE_TRAINING__SCORER=os.fsdecode(b"caf\xe9"))
    done = inside("train", "--show-config")
    assert (done.code, done.err.splitlines()) == (
        2,
        [
            r"error: ACE_TRAINING__SCORER: 'caf\udce9' is not allowed",
            "hint: Allowed: valid Unicode text without NUL characters.",
        ],
    )
    with pytest.raises(UsageError, match=r"ud800"):
        OfflineTrainer(TrainingConfig(input_path="\ud800.json")).train()
