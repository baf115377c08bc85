"""What is read off the plain text of small models."""

from __future__ import annotations

import pytest

from ace_cli.replies import plain


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('"The code is RV-72." This is a fact.', "The code is RV-72."),
        ('Sentence: It is "marble."', 'It is "marble."'),
        ("- 1. It is so. Yes.", "It is so."),
        ("**Bold fact.**", "Bold fact."),
        ("It is in St. Louis. Is it?", "It is in St. Louis."),
        ("The weight is 3.5 kg. More?", "The weight is 3.5 kg."),
        ("\n\nAnswer: J. Smith runs it\nand more", "J. Smith runs it"),
        ("***\n", ""),
        ("", ""),
    ],
)
def test_the_first_sentence(text: str, sentence: str) -> None:
    assert plain.first_sentence(text) == sentence


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Which code does the warehouse in Oslo have?", {"oslo"}),
        ("What is it? Tell me about Oslo's dock B4.", {"oslo", "b4"}),
        ("72 clips? 48 clips?", {"72", "48"}),
        ("What is the password of the truck gate?", set()),
    ],
)
def test_what_a_question_is_about(text: str, names: set[str]) -> None:
    assert plain.names(text) == names


@pytest.mark.parametrize(
    ("text", "part", "held"),
    [
        ("It is 1,080 m.", "1080", True),
        ("It is 1080.", "1,080", True),
        ("It is 1080.5", "1080", False),
        ("It is 21080", "1080", False),
        ("Falcon\n freight does.", "Falcon Freight", True),
        ("anything", " ", False),
        ("a (b) c", "(b)", True),
    ],
)
def test_whether_a_text_holds_a_truth(text: str, part: str, held: bool) -> None:
    assert plain.holds(text, part) is held


@pytest.mark.parametrize(
    ("bullet", "question", "about"),
    [
        ("The code for Oslo is RV-72.", "Which code does Oslo have?", True),
        ("The code for Oslo is RV-72.", "Which code does Lima have?", False),
        ("The password of the gate is marble.", "What is the password of the truck gate?", True),
        ("The phone number of the guard is 4471.", "What is the password of the truck gate?", False),
        ("Anything.", "Is it?", False),
    ],
)
def test_whether_a_bullet_speaks_of_the_question(bullet: str, question: str, about: bool) -> None:
    assert plain.speaks_of(bullet, question) is about
