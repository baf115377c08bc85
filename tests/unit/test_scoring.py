"""The scorers of choices and words, the automatic one, and scorers of the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ace_cli.errors import UsageError
from ace_cli.scoring import SCORERS, Verdict, get_scorer, scorer_for
from ace_cli.scoring.truth import gsm8k_truth


def score(answer: str, truth: str, scorer: str = "auto") -> Verdict:
    return SCORERS[scorer](answer, truth)


CHOICES = [
    ("B", "B", True),
    ("b", "B", True),
    ("(B)", "B", True),
    ("B.", "B", True),
    ("B) Paris", "B", True),
    ("Answer: B) Paris", "B", True),
    ("option D", "D", True),
    ("The answer is (C).", "C", True),
    ("The correct answer is option D", "D", True),
    ("C", "B", False),
    ("B or C", "B", False),
    ("Answer: B or C", "C", False),
    ("Answer: B, C", "B", False),
    ("Paris", "B) Paris", True),
    ("C) Paris", "B) Paris", False),
    ("Answer: Paris", "(B) Paris", True),
    ("It's option D, not option A", "D", True),
    ("It's option D, not option A", "A", False),
    ("Option A is wrong, so option D", "D", True),
    ("A cat sat on the mat", "A", False),
    ("Answer: A", "A", True),
    ("Answer: a", "A", True),
    ("The answer is A because x", "A", True),
    ("**B**", "B", True),
    ("\\boxed{B}", "B", True),
    ("\\boxed{\\text{(B)}}", "B", True),
    ("#### B", "B", True),
    ("The answer is a dog", "A", False),
    ("I think it is B", "B", True),
    ("I would say A.", "A", True),
    ("Both B and C", "C", False),
    ("The answer is B, because C is wrong", "B", True),
    ("B: Paris", "B", True),
    ("answer is b", "B", True),
    ("Final answer: **(B)**", "B", True),
    ("D", "(d)", True),
    ("Be careful", "B", False),
    ("A) foo\nB) bar\nThe answer is B", "B", True),
    ("A", "B) A", False),
    ("", "B", False),
    ('{"answer": "C"}', "C", True),
    ("The answer is not B but C", "C", True),
    ("The answer is not B but C", "B", False),
    ("Answer: B\n\nExplanation: A is wrong", "B", True),
    ("A or B", "A", False),
]

WORDS = [
    ("RV-72", "RV-72", True),
    ("rv-72.", "RV-72", True),
    ("The warehouse code for Oslo is RV-72.", "RV-72", True),
    ("not RV-72", "RV-72", False),
    ("The code is not RV-72.", "RV-72", False),
    ("RV-72 or RV-73", "RV-72", False),
    ("RV-720", "RV-72", False),
    ("The code is RV-73", "RV-72", False),
    ("72", "RV-72", False),
    ("The codes are RV-72, QX-11", "RV-72", False),
    ("Answer: Paris", "Paris", True),
    ("The answer is Paris.", "Paris", True),
    ("Paris, France", "Paris", True),
    ("Is it Paris?", "Paris", False),
    ("Paris or London", "Paris", False),
    ("the Paris", "Paris", True),
    ("“Paris”", "paris", True),
    ("Yes, because it is so. Not that I know.", "yes", True),
    ("No.", "no", True),
    ("No, it is not.", "No", True),
    ("Yes", "no", False),
    ("It is 3:30", "3:30", True),
    ("3:30", "3:30", True),
    ("3:30 pm", "3:30", True),
    ("13:30", "3:30", False),
    ("Lyon. It used to be Paris", "Paris", False),
    ("café", "CAFÉ", True),
    ("café", "café", True),
    ("cafe", "café", False),
    ("Parisian", "Paris", False),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris  Paris ",
        "Paris",
        False,
    ),
    ("The answer is RV-72 because the Oslo rule says so.", "RV-72", True),
    ("I don't know", "Paris", False),
    ("", "Paris", False),
    ("Paris", "", False),
    ("", "", False),
    ("True", "true", True),
    ("The answer is true", "true", True),
    ("The statement is false", "true", False),
    ("5-6", "5-6", True),
    ("5-6 days", "5-6", True),
    ("nan", "nan", False),
    ("2024-01-15", "2024-01-15", True),
    ("The date is 2024-01-15.", "2024-01-15", True),
    ("The date is 2024-01-16.", "2024-01-15", False),
]


@pytest.mark.parametrize("scorer", ["choice", "auto"])
@pytest.mark.parametrize(("answer", "truth", "right"), CHOICES)
def test_a_choice_is_right_or_wrong(answer: str, truth: str, right: bool, scorer: str) -> None:
    assert score(answer, truth, scorer).correct is right


@pytest.mark.parametrize(("answer", "truth", "right"), WORDS)
def test_words_are_right_or_wrong(answer: str, truth: str, right: bool) -> None:
    verdict = score(answer, truth)
    assert verdict.correct is right, verdict


@pytest.mark.parametrize(
    ("truth", "scorer"),
    [
        *((text, "numeric") for text in ("18", "1,080", "$5", "50%", "5 apples", "-3/4", "way\n#### 18")),
        *((text, "choice") for text in ("B", "(b)", "C.", "B) Paris", "(D) 18")),
        *((text, "exact") for text in ("Paris", "RV-72", "yes", "3:30", "I", "K", "A dog", "5-6", "")),
    ],
)
def test_auto_decides_by_the_truth_alone(truth: str, scorer: str) -> None:
    assert scorer_for(truth).name == scorer
    assert score("whatever", truth).scorer == scorer


def test_contains_looks_for_whole_words_and_nothing_else() -> None:
    assert score("It is not RV-72, I think", "rv-72", "contains").correct
    assert not score("RV-720", "RV-72", "contains").correct
    assert not score("Parisian", "Paris", "contains").correct
    assert not score("anything", "", "contains").correct


def test_exact_takes_the_whole_answer_or_its_marked_part_but_no_sentence() -> None:
    assert score("“the Paris”.", "paris", "exact").correct
    assert score("I know it.\nAnswer: **Paris**", "Paris", "exact").correct
    assert not score("The capital is Paris", "Paris", "exact").correct


def test_a_verdict_shows_what_was_compared() -> None:
    assert score("So 3 + 4 = 7 dollars.", "work\n#### 7") == Verdict(True, "7", "7 dollars", "numeric")
    assert score("Answer: B", "C) Rome") == Verdict(False, "C", "B", "choice")
    assert len(score("x" * 10_000, "y").got) <= 200


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("a\nb\n#### 72", "72"),
        ("#### 1,080 ", "1,080"),
        ("a\nA: 5", "5"),
        ("A: 5", "A: 5"),
        ("# Title\n#### Part\ntext", "# Title\n#### Part\ntext"),
        ("  plain ", "plain"),
        ("", ""),
    ],
)
def test_the_truth_of_a_worked_solution(text: str, truth: str) -> None:
    assert gsm8k_truth(text) == truth
    assert gsm8k_truth(truth) == truth


@settings(deadline=None)
@given(answer=st.text(), truth=st.text(), scorer=st.sampled_from(sorted(SCORERS)))
def test_no_text_makes_a_scorer_raise(answer: str, truth: str, scorer: str) -> None:
    verdict = score(answer, truth, scorer)
    assert score(answer, truth, scorer) == verdict


PIECES = [
    "####",
    "\\boxed{",
    "}",
    "the answer is",
    "A:",
    "1",
    "1,000",
    ".5",
    "/",
    "-",
    "−",
    "$",
    "%",
    "or",
    "not",
    "=",
    "^",
    "e9",
]
PIECES += [
    "\\frac{1}{2}",
    "½",
    "²",
    "B",
    "(C)",
    "option",
    "twelve",
    " ",
    "\n",
    "**",
    "×10^",
    "million",
    "\ud800",
    "\0",
    "<<",
    ">>",
    "km",
]


@settings(deadline=None)
@given(
    answer=st.lists(st.sampled_from(PIECES)).map("".join),
    truth=st.lists(st.sampled_from(PIECES)).map("".join),
)
def test_no_heap_of_marks_makes_a_scorer_raise(answer: str, truth: str) -> None:
    for scorer in SCORERS:
        score(answer, truth, scorer)


def test_an_unknown_scorer_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        get_scorer("numerc")
    assert "numerc" in caught.value.message
    assert "Did you mean 'numeric'" in caught.value.hint
    assert all(name in caught.value.hint for name in SCORERS)


def test_a_scorer_of_ones_own_is_found_by_module_and_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_own_scorers.py").write_text(
        "from ace_cli.scoring import Verdict\n"
        "class Same:\n"
        "    name = 'same'\n"
        "    def __call__(self, answer, truth):\n"
        "        return Verdict(answer == truth, truth, answer, self.name)\n"
        "ready = Same()\n"
        "class Picky:\n"
        "    def __init__(self, needed): pass\n"
        "def nameless(answer, truth): ...\n"
        "number = 5\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for spec in ("my_own_scorers:Same", "my_own_scorers:ready"):
        assert get_scorer(spec)("a", "a") == Verdict(True, "a", "a", "same")
    for spec in (
        "my_own_scorers:Picky",
        "my_own_scorers:nameless",
        "my_own_scorers:number",
        "my_own_scorers:missing",
        "no_such:x",
        ":",
        "a..b:c",
    ):
        with pytest.raises(UsageError):
            get_scorer(spec)
    sys.modules.pop("my_own_scorers")


def test_an_installed_scorer_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "scorer_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scorer-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ace_cli.scorers]\nstrict = ace_cli.scoring.textual:Exact\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert get_scorer("strict").name == "exact"
    with pytest.raises(UsageError, match="stric'"):
        get_scorer("stric")


def test_credit_is_all_or_nothing_unless_a_scorer_gives_it() -> None:
    assert score("18", "18").credit == 1.0
    assert score("17", "18").credit == 0.0
    assert Verdict(False, "a b c", "a b", "overlap", credit=0.75).credit == 0.75


@pytest.mark.parametrize("credit", [-0.1, 1.01, float("inf")])
def test_credit_is_a_share(credit: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Verdict(True, "a", "a", "mine", credit)
