"""Generator and Reflector: what they put into a prompt, and what they make of a reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ace_cli.data import Example
from ace_cli.engine.example import ExampleJob, work
from ace_cli.llm.base import ChatReply, Message, PromptStyle
from ace_cli.playbook import Bullet, Section
from ace_cli.scoring import Verdict, get_scorer
from ace_cli.scoring.scorers import Auto
from ace_cli.stages.admission import Admission
from ace_cli.stages.base import (
    Attempt,
    BulletTag,
    Case,
    Earlier,
    Insight,
    Reflection,
    Stages,
    Task,
    UnusableReply,
)
from ace_cli.stages.generator import DefaultGenerator, shown_ids
from ace_cli.stages.prompts import load_prompts
from ace_cli.stages.reflector import DefaultReflector
from ace_cli.stages.retrieval import Shown
from support.ask import ScriptedAsk

PROMPTS = load_prompts()
CLIPS = Example("r1", "Natalia sold 48 clips in April and half as many in May. How many clips?", "72")
OSLO = Example("w1", "Which code does the warehouse in Oslo have?", "RV-72")
BULLETS = (
    Bullet("B001", "The warehouse code for Oslo is RV-72."),
    Bullet("B002", "The warehouse code for Lima is QK-15.", section=Section.HARMFUL),
    Bullet("calc-00003", "Ask for\nthe unit."),
)
HALVED = Attempt("24", "48 / 2")
RIGHT, WRONG = Verdict(True, "72", "72", "numeric"), Verdict(False, "72", "24", "numeric")


def plain(*replies: str | ChatReply) -> ScriptedAsk:
    return ScriptedAsk(*replies, style=PromptStyle.PLAIN)


def generate(
    ask: ScriptedAsk,
    example: Example = CLIPS,
    bullets: Sequence[Bullet] = BULLETS,
    earlier: Earlier | None = None,
) -> Attempt:
    task = Task(example.id, example.question, example.context, example.domain, tuple(bullets), earlier)
    return asyncio.run(DefaultGenerator(PROMPTS).generate(task, ask))


def reflect(
    ask: ScriptedAsk,
    verdict: Verdict = WRONG,
    example: Example = CLIPS,
    cited: Sequence[Bullet] = BULLETS[:2],
    attempt: Attempt = HALVED,
) -> Reflection:
    return asyncio.run(DefaultReflector(PROMPTS).reflect(Case(example, attempt, verdict, tuple(cited)), ask))


def answer(**values: object) -> str:
    return json.dumps({"reasoning": "r", "bullet_ids": [], "final_answer": "72", **values})


def test_the_generator_sees_question_context_and_bullets_but_not_the_truth() -> None:
    ask = ScriptedAsk(answer())
    generate(ask, Example("r", CLIPS.question, "secret-72", context="Clips come in pairs."))
    system, user = ask.asked[0]
    assert system.content.startswith("You are the Generator")
    bullets = "\n[B001] The warehouse code for Oslo is RV-72.\n[B002] (pitfall) The warehouse code for Lima is QK-15.\n[calc-00003] Ask for the unit."
    assert system.content.endswith(bullets)
    assert user == Message("user", f"Clips come in pairs.\n\n{CLIPS.question}")
    assert "secret" not in ask.prompt


def test_a_longer_playbook_extends_the_prompt_of_the_shorter_one() -> None:
    shorter, longer = ScriptedAsk(answer()), ScriptedAsk(answer())
    generate(shorter, bullets=BULLETS[:2])
    generate(longer, OSLO, bullets=BULLETS)
    assert longer.asked[0][0].content.startswith(shorter.asked[0][0].content)


def test_an_attempt_cites_only_bullets_that_were_shown() -> None:
    ask = ScriptedAsk(answer(bullet_ids=["[B002]", "B999", "b001", "B002", "none"]))
    assert generate(ask) == Attempt("72", "r", ("B002", "B001"))


CUT = ChatReply('{"reasoning": "half of 48 is 24, and half of 48 is 24, and half of', "length")


@pytest.mark.parametrize(
    ("bullets", "short", "asked_for"),
    [
        ((), {"final_answer": "72"}, ["final_answer"]),
        (BULLETS, {"bullet_ids": ["B001"], "final_answer": "72"}, ["bullet_ids", "final_answer"]),
    ],
)
def test_reasoning_that_came_to_the_token_limit_is_not_asked_for_again(
    bullets: Sequence[Bullet], short: dict[str, Any], asked_for: list[str]
) -> None:
    ask = ScriptedAsk(CUT, short)
    assert generate(ask, bullets=bullets) == Attempt("72", "", tuple(short.get("bullet_ids", ())))
    schema = ask.schemas[1]
    assert schema
    assert list(schema["properties"]) == schema["required"] == asked_for
    assert CUT.text in ask.prompt
    assert ask.prompt.endswith(f"Reply in JSON: {', '.join(asked_for)}.")


def test_a_run_that_began_with_an_earlier_edition_asks_for_the_reasoning_again() -> None:
    ask = ScriptedAsk(CUT, answer())
    task = Task(CLIPS.id, CLIPS.question, bullets=BULLETS)
    assert asyncio.run(DefaultGenerator(PROMPTS, edition=2).generate(task, ask)) == Attempt("72", "r")
    assert ask.schemas[0] == ask.schemas[1]


def test_an_answer_may_be_a_number_and_is_read_as_it_was_written() -> None:
    ask = ScriptedAsk('{"reasoning": "23 of 115 thousand", "final_answer": 20.00}')
    assert generate(ask, bullets=()).answer == "20.00"
    asked = (ask.schemas[0] or {})["properties"]["final_answer"]
    assert asked == {"anyOf": [{"type": "string"}, {"type": "number"}]}


@pytest.mark.parametrize("edition", [1, 2, 3])
def test_a_run_that_began_before_asks_for_the_answer_in_quotes(edition: int) -> None:
    ask = ScriptedAsk(answer())
    asyncio.run(
        DefaultGenerator(PROMPTS, edition).generate(Task(CLIPS.id, CLIPS.question, bullets=BULLETS), ask)
    )
    assert (ask.schemas[0] or {})["properties"]["final_answer"] == {"type": "string"}


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        (["B001, B002"], ("B001", "B002")),
        (["B001 and calc-00003"], ("B001", "calc-00003")),
        (["`B001`", "(B002)."], ("B001", "B002")),
        (["B0011", "001", "", "bullets"], ()),
    ],
)
def test_ids_are_read_as_models_spell_them(ids: list[str], shown: tuple[str, ...]) -> None:
    assert shown_ids(ids, BULLETS) == shown


def test_an_empty_answer_is_asked_for_again() -> None:
    ask = ScriptedAsk(answer(final_answer=" "), answer())
    assert generate(ask).answer == "72"
    assert "final_answer" in ask.prompt


def try_again(example: Example, reflection: Reflection) -> ScriptedAsk:
    """What the Generator was asked at the second try, after ``24`` was wrong and led to ``reflection``."""

    class Fixed:
        def reflect(self, case: Case, ask: Any) -> Reflection:
            return reflection

    ask = ScriptedAsk(answer(final_answer="24"), answer(final_answer="25"))
    stages = Stages(DefaultGenerator(PROMPTS), get_scorer("exact"), Fixed(), None)  # type: ignore[arg-type]
    asyncio.run(work(stages, ExampleJob(0, 0, example, Shown(), 1, {}), ask, ask))
    return ask


def test_another_try_knows_the_earlier_answer_and_reflection_but_not_the_truth() -> None:
    reflection = Reflection(
        (Insight("It is 72."),),
        error_identification="Forgot April.",
        correct_approach="48 + 24 = 72, so say 72.",
    )
    ask = try_again(CLIPS, reflection)
    assert "24, was wrong" in ask.prompt
    assert "Forgot April. 48 + 24 = [...], so say [...]." in ask.prompt
    assert "72" not in ask.asked[1][1].content


@pytest.mark.parametrize(
    ("truth", "text", "left"),
    [
        ("1,080", "It is 1080 or 1,080, not 11080 or 1080.5.", "It is [...] or [...], not 11080 or 1080.5."),
        ("5", "5. Then 2.5 and 15, 5%.", "[...]. Then 2.5 and 15, [...]%."),
        ("RV-72", "say rv-72!", "say [...]!"),
        ("48", "48 were sold", "48 were sold"),
    ],
)
def test_the_truth_is_blanked_out_unless_the_question_holds_it(truth: str, text: str, left: str) -> None:
    ask = try_again(Example("r", CLIPS.question, truth), Reflection(root_cause=text))
    assert ask.asked[1][1].content.endswith(f": {left}")


def test_the_reflector_sees_attempt_verdict_truth_and_cited_bullets() -> None:
    ask = ScriptedAsk('{"insights": []}')
    reflect(ask)
    system, user = ask.asked[0]
    assert system.content.startswith("You are the Reflector")
    for part in (
        CLIPS.question,
        "48 / 2",
        "(wrong): 24",
        "Truth: 72",
        "\n[B001] The",
        "\n[B002] (pitfall) The",
    ):
        assert part in user.content
    assert "calc-00003" not in ask.prompt


@pytest.mark.parametrize(
    ("truth", "answer", "told"),
    [
        ("300000000.0", "300.00", "wrong, the digits are right, the number is 1,000,000 times too small"),
        ("#### 4", "0.04", "wrong, off by 100: a share for a percentage, or the other way round"),
        ("RV-72", "rv 72", "wrong, differs only in case, spaces or punctuation"),
        ("72", "24", "wrong"),
        ("RV-72", "QK-15", "wrong"),
    ],
)
def test_the_reflector_is_told_where_a_wrong_answer_is_the_right_one_in_another_form(
    truth: str, answer: str, told: str
) -> None:
    asked, before, right = (ScriptedAsk('{"insights": []}') for _ in range(3))
    case = Case(Example("r", "?", truth), Attempt(answer), Verdict(False, truth, answer, "numeric"))
    asyncio.run(DefaultReflector(PROMPTS).reflect(case, asked))
    asyncio.run(DefaultReflector(PROMPTS, edition=2).reflect(case, before))
    asyncio.run(DefaultReflector(PROMPTS).reflect(replace(case, verdict=RIGHT), right))
    assert f"\nAnswer ({told}): {answer}\n" in asked.prompt
    assert f"\nAnswer (wrong): {answer}\n" in before.prompt  # a run that began so finds its replies
    assert f"\nAnswer (right): {answer}\n" in right.prompt


def test_a_reflection_is_read_with_its_slips() -> None:
    ask = ScriptedAsk(
        json.dumps(
            {
                "reasoning": "r",
                "root_cause": "c",
                "insights": [
                    {"content": "Add\nboth months.", "section": "strategy", "confidence": "90%"},
                    {"content": "", "section": "helpful"},
                    "Read the question twice.",
                    "[B002] (pitfall) Do not halve both months.",
                    "(Pitfall) Months are not weeks.",
                ],
                "bullet_tags": [{"id": "[B001]", "tag": "harmful"}, {"id": "B777", "tag": "helpful"}],
            }
        )
    )
    reflection = reflect(ask)
    assert reflection.insights == (
        Insight("Add both months.", Section.HELPFUL, 0.9),
        Insight("Read the question twice.", Section.HELPFUL, 0.5),
        Insight("Do not halve both months.", Section.HELPFUL, 0.5),  # as bullets are shown, and copied
        Insight("Months are not weeks.", Section.HELPFUL, 0.5),
    )
    assert reflection.bullet_tags == (BulletTag("B001", Section.HARMFUL),)
    assert (reflection.reasoning, reflection.root_cause) == ("r", "c")


def test_tags_may_come_as_pairs() -> None:
    reflection = reflect(
        ScriptedAsk('{"insights": [], "bullet_tags": {"B001": "helpful", "B002": "unhelpful"}}')
    )
    assert reflection.bullet_tags == (BulletTag("B001", Section.HELPFUL), BulletTag("B002", Section.HARMFUL))


def test_the_two_prompts_are_lean() -> None:
    """About 150 tokens for both, the example's own text aside; 4 characters are about a token."""
    generator, reflector = ScriptedAsk(answer()), ScriptedAsk('{"insights": []}')
    empty = Example("r", "?", "1")
    generate(generator, empty, ())
    reflect(reflector, example=empty, cited=(), attempt=Attempt("0"))
    assert len(generator.prompt) <= 220
    assert len(reflector.prompt) <= 560


# Worked examples, for small Reflectors --------------------------------------------------------------


def test_a_guided_reflector_sees_the_case_and_the_truth_alone() -> None:
    said = {
        "thing": "clips",
        "situation": "sold in two months",
        "lesson": "When clips are sold\nin two months, add both.",
    }
    ask = ScriptedAsk(json.dumps(said), style=PromptStyle.GUIDED)
    reflection = reflect(ask)
    assert reflection.insights == (Insight("When clips are sold in two months, add both."),)
    assert reflection.reasoning == "clips: sold in two months"
    (messages,) = ask.asked
    assert [message.role for message in messages] == ["system", *["user", "assistant"] * 5, "user"]
    assert messages[-1].content == f"Case: {CLIPS.question}\n\nRight: 72"
    assert not any(hidden in ask.prompt for hidden in ("48 / 2", "[B001]"))


def test_after_a_reflection_that_came_to_the_token_limit_only_its_lessons_are_asked_for() -> None:
    lessons = {"insights": [{"content": "Add both months."}], "bullet_tags": [{"B001": "harmful"}]}
    ask = ScriptedAsk(CUT, lessons)
    assert reflect(ask) == Reflection((Insight("Add both months."),), (BulletTag("B001", Section.HARMFUL),))
    assert list((ask.schemas[1] or {})["properties"]) == ["insights", "bullet_tags"]
    assert ask.prompt.endswith("Reply in JSON: insights, bullet_tags.")
    earlier, case = ScriptedAsk(CUT, lessons), Case(CLIPS, HALVED, WRONG, tuple(BULLETS[:2]))
    asyncio.run(DefaultReflector(PROMPTS, edition=1).reflect(case, earlier))
    assert earlier.schemas[0] == earlier.schemas[1]


def test_a_guided_reflector_may_have_no_lesson() -> None:
    said = {"thing": "clips", "situation": "a slip", "lesson": " "}
    assert reflect(ScriptedAsk(json.dumps(said), style=PromptStyle.GUIDED)).insights == ()


def test_what_the_worked_examples_say_is_no_lesson() -> None:
    admission = Admission(PROMPTS.texts.values())
    for line in PROMPTS.texts["reflector_guided.txt"].splitlines():
        if line.startswith("{"):
            assert admission.refusal(json.loads(line)["lesson"]) == "it repeats the prompt"


def test_without_bullets_none_are_asked_for() -> None:
    ask = ScriptedAsk(answer(), answer())
    generate(ask, bullets=())
    generate(ask, bullets=BULLETS[:1])
    assert ["bullet_ids" in (schema or {})["properties"] for schema in ask.schemas] == [False, True]


# Plain text, for small models --------------------------------------------------------------------


def test_a_plain_answer_is_the_text_and_cites_what_it_draws_on() -> None:
    ask = plain(" The code is RV-72.\n")
    assert generate(ask, OSLO) == Attempt("The code is RV-72.", "", ("B001",))
    assert ask.asked[0][0].content.startswith("You are the Generator")
    assert "72" not in ask.asked[0][1].content


@pytest.mark.parametrize(
    ("text", "answer_text", "cited"),
    [
        ("[B002] It is QK-15.", "It is QK-15.", ("B002",)),
        ("As B001 says: RV-72", "As B001 says: RV-72", ("B001",)),
        ("The warehouse in Oslo has a code.", "The warehouse in Oslo has a code.", ()),
        ("<think>Lima? QK-15</think>RV-72", "RV-72", ("B001",)),
        ("Yes.", "Yes.", ()),
    ],
)
def test_citations_are_read_off_a_plain_answer(text: str, answer_text: str, cited: tuple[str, ...]) -> None:
    assert generate(plain(text), OSLO) == Attempt(answer_text, "", cited)


@pytest.mark.parametrize(
    "reply", ["", " \n", "[B001]", ChatReply("x", "content_filter"), ChatReply("hal", "length")]
)
def test_a_plain_reply_that_says_nothing_is_unusable(reply: str | ChatReply) -> None:
    with pytest.raises(UnusableReply):
        generate(plain(reply), OSLO)


def test_a_cut_off_plain_answer_loses_its_last_word_which_may_be_half() -> None:
    assert generate(plain(ChatReply("The code is RV-7", "length")), OSLO).answer == "The code is"


def test_a_plain_reflector_words_the_missing_fact() -> None:
    ask = plain('"The warehouse code for Oslo is RV-72." This is a fact.')
    reflection = reflect(ask, example=OSLO, cited=BULLETS[1:2])
    assert reflection.insights == (Insight("The warehouse code for Oslo is RV-72."),)
    assert ask.asked[0][0].content.startswith("You are the Reflector")


@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ("The warehouse in Oslo is big.", "does not hold the truth"),
        ("The code is RV-72.", "does not mention oslo"),
        ("The warehouse code for Oslo is RV-721.", "does not hold the truth"),
    ],
)
def test_a_sentence_that_teaches_nothing_is_no_insight_and_says_why(sentence: str, problem: str) -> None:
    reflection = reflect(plain(sentence), example=OSLO)
    assert reflection.insights == ()
    assert problem in reflection.error_identification
    assert reflection.reasoning == sentence


def test_a_right_plain_answer_costs_no_reflector_call() -> None:
    ask = plain()
    assert reflect(ask, RIGHT, OSLO, BULLETS[:1]).bullet_tags == (BulletTag("B001", Section.HELPFUL),)
    assert ask.asked == []


def test_after_a_wrong_plain_answer_only_a_bullet_on_the_subject_is_to_blame() -> None:
    reflection = reflect(plain("Oslo has RV-72."), example=OSLO, cited=BULLETS[:2])
    assert reflection.bullet_tags == (BulletTag("B001", Section.HARMFUL), BulletTag("B002", Section.NEUTRAL))


# Prose instead of JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "She has 3 boxes of 6, so 3 * 6 = 18. The answer is 18.",
        "3 * 6 = 18\n\n#### 18",
        r"So it is \\boxed{18}.",
        "First 3 boxes. Each holds 6. Answer: 18",
        "Each of the 3 boxes holds 6 apples, which makes 18",
        '{"reasoning": "3 boxes of 6. The answer is 18',
        '```json\n{"reasoning": "The answer is 18."\n```',
    ],
)
def test_an_answer_in_prose_is_taken_and_not_asked_away(text: str) -> None:
    ask = ScriptedAsk(text)
    attempt = generate(ask, Example("r", "3 boxes of 6?", "18"), ())
    assert Auto()(attempt.answer, "18").correct
    assert len(ask.asked) == 1


def test_json_that_was_cut_off_before_its_answer_is_asked_again() -> None:
    ask = ScriptedAsk('{"reasoning": "3 boxes of 6 apples', answer())
    generate(ask, Example("r", "3 boxes of 6?", "18"), ())
    assert len(ask.asked) == 2
