"""What the scripted server says when it plays Generator, Reflector or Curator.

Every reply is a pure function of the prompt: never of time, order or concurrency. So two runs that put the
same prompts get the same replies, whatever happened on the way.

The world it plays: each question needs one lesson of a small pool. A question is answered right if
luck (a hash of the question) wills it, or if the prompt holds a bullet with the lesson that it needs. The
Reflector teaches that lesson, in one of several wordings, and sometimes another one. So a playbook grows,
insights repeat each other, and accuracy rises with training.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LESSONS = (
    "convert every quantity to the same unit before adding",
    "read the last sentence again to see what is really asked",
    "subtract discounts before computing the tax",
    "write down what each person owns at the start",
    "count the days of the week one by one",
    "percentages refer to the value named right before them",
    "divide the total by the number of shares, not of people",
    "keep a running balance for money spent and earned",
    "draw a table when speeds and distances are mixed",
    "treat half of the rest differently from half of the whole",
    "check whether the first item is included in the sequence",
    "round up when whole containers are needed",
    "multiply hourly wages by hours and then by days",
    "list ages relative to the youngest person",
    "undo the operations backwards to find an initial amount",
    "a dozen pairs has twice as many pieces as a dozen",
    "separate fixed costs from costs per item",
    "name the unknown and set up one equation",
    "compare perimeter with area before choosing a formula",
    "eggs broken or lost must leave the count early",
    "use minutes for recipes and hours for journeys",
    "profit is revenue without all the expenses",
    "sum the geometric growth year after year",
    "estimate the magnitude to notice slips",
)
WORDINGS = ("{}.", "Always {}.", "Remember: {}.", "{}, before writing the final answer.")

_BULLET = re.compile(r"^\[([A-Za-z][\w-]*\d)\] (.*)$", re.MULTILINE)
_ROLE = re.compile(r"^\W*you are the (generator|reflector|curator)\b", re.IGNORECASE)
_INSIGHT = re.compile(r"^\W*insight (\d+): ?(.*)$", re.IGNORECASE)
_PREFIX = 24


def unit(*parts: object) -> float:
    """A number in [0, 1) from a hash of ``parts``."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def pick(choices: Sequence[Any], *parts: object) -> Any:
    return choices[int(unit(*parts) * len(choices))]


class Truth:
    """Questions with their answers, found again inside a prompt."""

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        rows = pairs.items() if isinstance(pairs, Mapping) else pairs
        self.answers = {_squash(q): a.rpartition("####")[2].strip() for q, a in rows if q.strip()}
        self.numbers = {question: number for number, question in enumerate(self.answers)}
        self._by_prefix: dict[str, list[str]] = {}
        for question in self.answers:
            self._by_prefix.setdefault(question[:_PREFIX], []).append(question)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    @classmethod
    def load(cls, path: Path | str, question: str = "question", answer: str = "answer") -> Truth:
        """Read a JSONL dataset."""
        with Path(path).open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
        return cls([(str(row[question]), str(row[answer])) for row in rows])

    def find(self, prompt: str) -> str | None:
        """The question of the dataset that stands last in ``prompt`` (the longest of those that start there)."""
        text = _squash(prompt)
        starts = [0, *(match.end() for match in re.finditer(r"[\s\"'(>]", text))]
        for start in reversed(starts):
            found = [
                question
                for length in self._lengths
                for question in self._by_prefix.get(text[start : start + length], ())
                if text.startswith(question, start)
            ]
            if found:
                return max(found, key=len)
        return None


@dataclass(frozen=True)
class Script:
    """How the model behaves. ``right``: share answered right without help; ``novelty``: share of insights that
    speak of their own question (and so hardly ever repeat another); ``cite``: chance that a bullet is cited."""

    truth: Truth
    right: float = 0.4
    novelty: float = 0.2
    cite: float = 0.5
    lessons: tuple[str, ...] = LESSONS

    def role(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """generator, reflector, curator, or other."""
        for message in messages:
            if match := _ROLE.match(text_of(message).lstrip()):
                return match[1].lower()
        return "other"

    def reply(self, role: str, prompt: str, question: str | None) -> str:
        """The content of the reply: JSON for the three roles, a fixed word for anybody else."""
        if role == "curator":
            return json.dumps(self._curate(prompt))
        if role == "generator":
            return json.dumps(self._generate(prompt, question or prompt))
        if role == "reflector":
            return json.dumps(self._reflect(prompt, question or prompt))
        return "OK"

    def _generate(self, prompt: str, question: str) -> dict[str, Any]:
        bullets = _BULLET.findall(prompt)
        needed = self._needed(question)
        helped = [i for i, content in bullets if self._lesson(content) == needed]
        lucky = unit("right", question) < self.right
        cited = [i for i, _ in bullets if unit("cite", question, i) < self.cite]
        truth = self.truth.answers.get(question)
        if truth is None:
            answer = f"unknown {int(unit(question) * 1000)}"
        elif helped or lucky:
            answer = truth
        else:
            answer = _wrong(truth, question)
        return {
            "reasoning": f"Step by step for {question[:40]!r}: the result is {answer}.",
            "bullet_ids": [*helped[:1], *(i for i in cited if i not in helped[:1])][:3],
            "final_answer": answer,
        }

    def _reflect(self, prompt: str, question: str) -> dict[str, Any]:
        lessons = [self._needed(question)]
        if unit("second", question) < 0.5:
            lessons.append(pick(self.lessons, "other", question))
        insights = []
        for number, lesson in enumerate(dict.fromkeys(lessons)):
            content = pick(WORDINGS, "wording", question, number).format(lesson)
            if unit("novel", question, number) < self.novelty:
                topic = " ".join(re.findall(r"[A-Za-z]+", question)[:4])
                content = f"{content} Seen with {topic}."
            section = pick(("helpful", "helpful", "harmful", "neutral"), "section", question, number)
            insights.append(
                {
                    "content": content[0].upper() + content[1:],
                    "section": section,
                    "confidence": round(0.5 + unit("confidence", question, number) / 2, 2),
                }
            )
        votes = ("helpful",) * 7 + ("neutral", "neutral", "harmful")
        return {
            "reasoning": "Compared the answer with the truth.",
            "error_identification": "A step was left out.",
            "root_cause": "The text was read too fast.",
            "correct_approach": lessons[0],
            "insights": insights,
            "bullet_tags": [
                {"id": i, "tag": pick(votes, "tag", question, i)}
                for i in dict.fromkeys(i for i, _ in _BULLET.findall(prompt))
            ],
        }

    def _curate(self, prompt: str) -> dict[str, Any]:
        decisions: list[dict[str, Any]] = []
        lesson: str | None = None
        for line in prompt.splitlines():
            if match := _INSIGHT.match(line):
                lesson = self._lesson(match[2])
                decisions.append(
                    {"insight": int(match[1]), "action": "add", "bullet_id": None, "reason": "it is new"}
                )
            elif decisions and (candidate := _BULLET.match(line.strip())):
                same = lesson is not None and self._lesson(candidate[2]) == lesson
                if same and decisions[-1]["action"] == "add":
                    decisions[-1] |= {
                        "action": "merge",
                        "bullet_id": candidate[1],
                        "reason": "it says the same",
                    }
        return {"decisions": decisions}

    def _needed(self, question: str) -> str:
        return str(pick(self.lessons, "needs", question))

    def _lesson(self, content: str) -> str | None:
        return _lesson_in(content.lower(), self.lessons)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, be it plain or in blocks."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content)
    return content if isinstance(content, str) else ""


@cache
def _lesson_in(content: str, lessons: tuple[str, ...]) -> str | None:
    return next((lesson for lesson in lessons if lesson in content), None)


def _wrong(truth: str, question: str) -> str:
    digits = truth.replace(",", "")
    if re.fullmatch(r"-?\d+", digits):
        return str(int(digits) + 1 + int(unit("wrong", question) * 9))
    return f"not {truth[::-1]}"


def _squash(text: str) -> str:
    return " ".join(text.split())


DIMENSIONS = 128


def embed(text: str) -> list[float]:
    """The normalised sum of fixed random vectors of the words: texts with the same words are near."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        for at, value in enumerate(_word_vector(word)):
            vector[at] += value
    length = sum(value * value for value in vector) ** 0.5 or 1.0
    return [round(value / length, 6) for value in vector]


@cache
def _word_vector(word: str) -> tuple[float, ...]:
    digest = hashlib.shake_128(word.encode("utf-8", "replace")).digest(DIMENSIONS)
    return tuple(byte - 127.5 for byte in digest)
