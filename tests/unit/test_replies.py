"""What models really write instead of one clean JSON object."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from ace_cli.llm.base import ChatReply, Message
from ace_cli.playbook import Section
from ace_cli.replies import Confidence, Reply, SectionName, UnusableReply, ask_json, read_reply
from ace_cli.replies.find import without_thoughts
from ace_cli.replies.schema import json_schema
from support.ask import ScriptedAsk
from support.fuzzing import usually


class Answer(Reply):
    reasoning: str = ""
    bullet_ids: list[str] = Field(default_factory=list)
    final_answer: str


class Item(Reply):
    content: str = ""
    section: SectionName = Section.HELPFUL
    confidence: Confidence = 0.5


class Items(Reply):
    root_cause: str = ""
    insights: list[Item]
    tags: list[str] = Field(default_factory=list)


def read(text: str, model: type[Any] = Answer, finish_reason: str = "stop") -> Any:
    return read_reply(ChatReply(text, finish_reason=finish_reason), model)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"reasoning": "r", "bullet_ids": [], "final_answer": "42"}', "42"),
        ('Sure!\n```json\n{"final_answer": "42"}\n```\nAnything else?', "42"),
        ('```\n{"final_answer": "42",}\n```', "42"),
        ("{'final_answer': '42', 'bullet_ids': None}", "42"),
        ('{"final_answer": 42}', "42"),
        ('{"final_answer": 4.50}', "4.50"),
        ('{"final_answer": -0.10}', "-0.10"),
        ('{"final_answer": true}', "true"),
        ('{"final_answer": ["a", "b"]}', "a, b"),
        ('[{"final_answer": "42"}]', "42"),
        ('{"result": {"final_answer": "42"}}', "42"),
        ('{"Final Answer": "42", "mood": "good"}', "42"),
        ('{"final-answer": " 42 "}', "42"),
        ('Use {a, b} and [1]. {"final_answer": "42"}', "42"),
        ('{"final_answer": "1"} no wait {"final_answer": "42"}', "42"),
        ('{"final_answer": "42"} as in {"note": "x"}', "42"),
        ('<think>{"final_answer": "1"}</think>{"final_answer": "42"}', "42"),
        ('a draft {"final_answer": "1"}</think>{"final_answer": "42"}', "42"),
        ('{"reasoning": "a </think> b", "final_answer": "42"}', "42"),
        ('{"reasoning": "line\nbreak", "final_answer": "42"}', "42"),
        ('{"reasoning": "he said "hi"", "final_answer": "42"}', "42"),
        ('{"reasoning": null, "final_answer": "42"', "42"),
        ('{"final_answer": "\\boxed{42}"}', "\\boxed{42}"),
        ('{"final_answer": "\\frac{1}{2}"}', "\\frac{1}{2}"),
        ('{"final_answer": "x\\ud800"}', "x\ufffd"),
        ('{"final_answer": "\\ud83d\\ude00"}', "😀"),
    ],
)
def test_an_answer_is_found_in_what_models_write(text: str, answer: str) -> None:
    assert read(text).final_answer == answer


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("<think>hm, it could be", "only reasoning"),
        ("I'm sorry, I can't help with that.", "no JSON object"),
        ("null", "no JSON object"),
        ("[]", "a list"),
        ("{}", "none of the keys"),
        ('{"reasoning": "r"}', "final_answer: Field required"),
        ('{"reasoning": "r", "final_answer": null}', "final_answer: Field required"),
        ('{"final_answer": {"a": 1}}', "final_answer"),
        ('{"properties": {"final_answer": {"type": "string"}}}', "final_answer"),
        ('{"a": ' * 400, "JSON"),
    ],
)
def test_an_unusable_reply_says_what_was_wrong(text: str, problem: str) -> None:
    with pytest.raises(UnusableReply, match=problem):
        read(text)


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ('{"insights": [{"content": "a"}, {"content": "b"}]}', ["a", "b"]),
        ('{"insights": ["a", "b"]}', ["a", "b"]),
        ('{"insights": "a"}', ["a"]),
        ('{"insights": {"content": "a"}}', ["a"]),
        ('{"insights": null}', []),
        ('{"insights": [null, {"content": null}]}', [""]),
        ('[{"content": "a"}, {"content": "b"}]', ["a", "b"]),
    ],
)
def test_a_list_of_objects_is_read_from_its_poorer_relatives(text: str, contents: list[str]) -> None:
    assert [item.content for item in read(text, Items).insights] == contents


@pytest.mark.parametrize(
    ("raw", "share"),
    [
        (0.85, 0.85), ("0.85", 0.85), (0.8500000000000001, 0.85), (1e-3, 0.001), ("85%", 0.85), ("85 %", 0.85), (85, 0.85), ("8/10", 0.8), ("1/0", 0.5),
        ("high", 0.85), ("Very High", 0.95), ("low", 0.3), (-3, 0.0), (1e9, 1.0), (10**400, 1.0), ("?", 0.5),
        (None, 0.5), ([], 0.5), (True, 0.5), (1e400, 0.5),
    ],
)  # fmt: skip
def test_confidence_is_always_a_share(raw: object, share: float) -> None:
    item = read(json.dumps({"insights": [{"content": "a", "confidence": raw}]}), Items).insights[0]
    assert item.confidence == pytest.approx(share)


@pytest.mark.parametrize(
    ("raw", "section"),
    [
        ("helpful", "helpful"), ("Strategy", "helpful"), ("POSITIVE", "helpful"), (None, "helpful"),
        ("pitfall", "harmful"), ("common mistakes", "harmful"), ("unhelpful", "harmful"), ("incorrect", "harmful"),
        ("neutral", "neutral"), ("observation", "neutral"), ("?", "neutral"), (3, "neutral"),
    ],
)  # fmt: skip
def test_a_section_is_read_from_its_synonyms(raw: object, section: str) -> None:
    item = read(json.dumps({"insights": [{"content": "a", "section": raw}]}), Items).insights[0]
    assert item.section == section


def test_a_cut_off_reply_is_used_only_if_what_is_required_was_finished() -> None:
    with pytest.raises(UnusableReply, match="cut off"):
        read('{"reasoning": "r", "final_answer": "4', finish_reason="length")
    with pytest.raises(UnusableReply, match="cut off"):
        read('{"insights": [{"content": "a"}, {"content": "b', Items, finish_reason="length")
    kept = read('{"insights": [{"content": "a"}], "tags": ["x', Items, finish_reason="length")
    assert [item.content for item in kept.insights] == ["a"]
    assert kept.tags == []
    assert read('{"final_answer": "42"} and so', finish_reason="length").final_answer == "42"


def test_thoughts_are_removed_only_in_front() -> None:
    assert without_thoughts("<think>a</think>\n<thinking>b</thinking> c") == "c"
    assert without_thoughts('{"a": "<think>"}') == '{"a": "<think>"}'


def test_an_unusable_reply_is_asked_for_once_more_for_its_form_alone() -> None:
    ask = ScriptedAsk('{"reasoning": "r"}', '{"final_answer": "42"}')
    answer, reply = asyncio.run(ask_json(ask, [Message("user", "Q")], Answer))
    assert (answer.final_answer, reply) == ("42", ask.replies[1])
    question, quoted, complaint = ask.asked[1]
    assert (question, quoted) == (Message("user", "Q"), Message("assistant", '{"reasoning": "r"}'))
    assert complaint.content == "Q\n\nReply in JSON: reasoning, bullet_ids, final_answer."


def test_a_second_unusable_reply_is_the_end() -> None:
    ask = ScriptedAsk("", "no")
    with pytest.raises(UnusableReply, match="no JSON object"):
        asyncio.run(ask_json(ask, [Message("user", "Q")], Answer))
    assert ask.asked[1][1].content, "providers refuse an empty message"


@pytest.mark.parametrize("reason", ["content_filter", "refusal"])
def test_what_a_filter_withheld_is_not_asked_for_again(reason: str) -> None:
    ask = ScriptedAsk(ChatReply("", finish_reason=reason))
    with pytest.raises(UnusableReply, match=reason):
        asyncio.run(ask_json(ask, [Message("user", "Q")], Answer))
    assert len(ask.asked) == 1


def test_the_schema_is_in_the_strict_subset() -> None:
    schema = json_schema(Items)
    assert schema["required"] == ["root_cause", "insights", "tags"]
    assert schema["additionalProperties"] is False
    item = schema["properties"]["insights"]["items"]
    assert item["required"] == ["content", "section", "confidence"]
    assert item["properties"]["section"]["enum"] == ["helpful", "harmful", "neutral"]
    assert "$ref" not in json.dumps(schema)
    assert "default" not in json.dumps(schema)


JSONISH = st.text(alphabet=st.sampled_from(list("{}[]\",:\\/ab1.-e \n`'<>thinku\ud800\x00")), max_size=300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["insights", "content", "confidence", "section", "final_answer", "reasoning", "x"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(text=st.text() | JSONISH | VALUES.map(json.dumps), cut=st.booleans())
@settings(max_examples=usually(400), deadline=None)
def test_any_text_gives_a_value_or_an_unusable_reply(text: str, cut: bool) -> None:
    for model in (Answer, Items):
        try:
            found = read(text, model, "length" if cut else "stop")
        except UnusableReply:
            pass
        else:
            found.model_dump_json()


@pytest.mark.parametrize("piece", ["{", "[", '{"a":', "[1,", '{"', '{"a', "{'a': ", '{"final_answer":"', "<think>", "1", "\\", '"', "{}", '{"a":"\\"', "```json\n{", "{a:{b:[", "é\ud800"])  # fmt: skip
def test_a_megabyte_of_garbage_is_rejected(piece: str) -> None:
    started = time.process_time()
    with pytest.raises(UnusableReply):
        read((piece * 1_000_000)[:1_000_000])
    print(f"{piece!r}: {time.process_time() - started:.2f} s of CPU")
    with pytest.raises(UnusableReply):  # just below the bound of what is repaired
        read((piece * 31_000)[:31_000])
    print(f"{piece!r}: {time.process_time() - started:.2f} s of CPU")
