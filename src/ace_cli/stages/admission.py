"""What may become a bullet: a lesson that is of use to somebody who never saw the example.

Small models hand back what they were told: words of our own prompts, a placeholder, a remark on the one answer in front
of them, advice that is true of any task. In a playbook such a sentence costs tokens on every call and is cited by
whatever answer comes next. All rules here look at the wording alone; they are narrow, since a lesson that is refused is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ace_cli.sameness.vacuous import is_vacuous

MAX_CHARS = 4000
"""A longer insight is no lesson; it would be paid for in every prompt to come."""

ECHO_WORDS = 6
"""As many words in a row that stand in a prompt of ours are an echo of it."""

_WORD = re.compile(r"\w+")
_PLACEHOLDER = re.compile(
    r"[<\[{(]\s*(?:condition|strategy|lesson|content|insight|rule|answer|\.\.\.|…)\s*[>\]})]", re.I
)
_FORM = re.compile(
    r"\b(?:bullet_ids|final_answer|bullet_tags|error_identification|root_cause|correct_approach)\b"
    r"|\b(?:only the|valid|one|single) json object\b|\bunusable reply\b|\bthe lesson's content\b",
    re.IGNORECASE,
)
_BY_ID = re.compile(
    r"\b(?:rule|bullet|lesson)s?\b[^.;\w]*(?:[\w,'’]+\s+){0,4}?[\[(]?B\d{3,}\b", re.IGNORECASE
)
CONDITION = re.compile(r"\b(?:when|whenever|if|unless|where|wherever|once|while|until)\b", re.IGNORECASE)
"""What the condition of a rule begins with, in English."""

_LEGEND = re.compile(r",\s+where\s+(?=[^,.;]{1,40}\s(?:is|are|=)\s)")
"""What the letters of a formula stand for is no condition."""

_ONE_QUESTION = re.compile(
    r"(?:^|[.;!?,]\s+(?:but\s+|and\s+|so\s+)?)(?:the|this)\s+(?:question|problem|case|example|passage)\s"
    r"+(?:is\s+(?:asking|incomplete|unclear|about)|asks|states|says|mentions|describes|lacks|(?:does|did)\s+not)\b"
    r"|\b(?:information|details?|data|context)(?:\s+(?:provided|given))?\s+(?:is|are|was|were)\s+(?:insufficient|incomplete|missing|not\s+(?:enough|sufficient))\b"
    r"|(?:^|[.;!?]\s+)in\s+this\s+(?:case|question|problem|example)\b",
    re.IGNORECASE,
)
_RESULT = r"(?:answer|sum|result|total|value|number|amount)"
_CONCLUSION = re.compile(
    rf"(?:^|[.;!?]\s+)(?:therefore|thus|hence|so),?\s+(?:the|this)\s+(?:\w+\s+){{0,3}}{_RESULT}\s+(?:\w+\s+){{0,3}}(?:is|was|should be)\b"
    r"|(?:^|[.;!?]\s+)(?:the answer (?:provided|given)\b|the (?:mistake|error) (?:is|was|lies) (?:in|that)\b)"
    r"|^(?:this|that|the above) (?:approach|method|solution|calculation|reasoning|answer|strategy)\b"
    r"|\b(?:in|of) the (?:answer|reasoning) (?:is|was|are|were) (?:in)?correct\b"
    r"|^the (?:formula|calculation|method|approach|equation)\b[^.;:]{0,100}\b(?:is|was) (?:in)?correct\b"
    rf"|\bthe\s+(?:correct|right|true|final)\s+{_RESULT}\s+(?:is|was|should be|should have been)\s+[^\w]{{0,3}}\d[\d.,]*(?:\s*[-+*/x×÷=].*)?(?:[.,;]|$)",
    re.IGNORECASE,
)
_ONE_ANSWER = re.compile(
    r"\bthe (?:attempt(?:'s|ed)?|given|provided|generator's|model's) answer\b"
    r"|\bthe answer (?:provided|given|['\"(]?\d[\d.,]*['\")]?)\s*(?:\([^()]{0,30}\)\s*)?(?:is|was) (?:in)?correct\b"
    r"|\bthe attempt (?:is|was|did|does|has|correctly|incorrectly|failed|used|answered)\b"
    r"|\bthe (?:correct|right|true) answer (?:is|was|should be|should have been) [^,;]{1,40}, not\b"
    r"|\b(?:plugging|putting|substituting)\b[^.;:]{0,100}\bwe (?:get|have|obtain|find)\b",
    re.IGNORECASE,
)

_NUMBER = r"[$€£]?\d[\d.,]*\s?%?"
_NAMED = rf"{_NUMBER}(?:\s\([^()]{{1,40}}\)|(?:\s[a-z'’]+){{1,3}})?"
_WORKED = re.compile(rf"{_NAMED}(?:\s?[-+*/x×÷]\s?{_NAMED})+\s?=\s?{_NUMBER}", re.IGNORECASE)
"""A sum of numbers: ``4500 (hers) + 3750 (his) = 8250``."""
_FOR_EXAMPLE = re.compile(r"\be\.g\.|\bfor (?:example|instance)\b|\bsuch as\b|\bas in\b", re.IGNORECASE)

_PRAISE = re.compile(
    r"\b(?:is|are) (?:(?:a|an|not|one|of|the|very|most) ){0,4}(?:useful|crucial|fundamental|valuable|popular|widely[- ]used|perfect|reliable|essential|powerful)"
    r" (?:\w+ ){0,2}(?:metrics?|measures?|tools?|concepts?|models?|indicators?)\b",
    re.IGNORECASE,
)
_HOW = re.compile(
    r"=|\b(?:calculated|computed|found|obtained) (?:by|as|with)\b|\bdivid\w+ by\b|\bmultipl\w+|\bsubtract\w*|\b(?:use|using) the\b|\bstates that\b|\bequals?\b|\b(?:must|should|always|never)\b",
    re.IGNORECASE,
)


class Admission:
    """Tells which insights are no lessons. ``prompts`` are the texts that the models of the run were asked with."""

    def __init__(self, prompts: Iterable[str] = ()) -> None:
        self._ours = {run for text in prompts for run in _runs(text)}

    def refusal(self, content: str) -> str:
        """Why ``content`` cannot become a bullet, in words that a user reads; empty when it can."""
        if not any(character.isalnum() for character in content):
            return "it is empty"
        if len(content) > MAX_CHARS:
            return f"it is too long ({len(content):,} characters; a lesson has at most {MAX_CHARS:,})"
        if _PLACEHOLDER.search(content):
            return "it holds a placeholder"
        if not self._ours.isdisjoint(_runs(content)):
            return "it repeats the prompt"
        if _FORM.search(content):
            return "it is about the form of the reply"
        if _BY_ID.search(content):
            return "it is about another bullet"
        if _ONE_ANSWER.search(content):
            return "it is about one answer, not about a kind of question"
        if not CONDITION.search(_LEGEND.sub(", ", content)):
            if _ONE_QUESTION.search(content):
                return "it is about one question, not about a kind of question"
            if _CONCLUSION.search(content):
                return "it is about one answer, not about a kind of question"
            if _WORKED.search(content) and not _FOR_EXAMPLE.search(content):
                return "it works out one sum, not a kind of question"
            if _PRAISE.search(content) and not _HOW.search(content):
                return "it says what something is good for, not what to do"
        return is_vacuous(content) or ""


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[start : start + ECHO_WORDS]) for start in range(len(words) - ECHO_WORDS + 1)}
