"""A teacher that knows which of its lessons say the same: what a Curator keeps and merges can be counted by name.

The texts are blocks (``tests/fixtures/teacher_*.txt``): ``# domain``, then for each rule its wordings (``= ``) and lessons that
say its opposite (``- ``). Each lesson is taught once, a few of one domain with each example, in an order that a hash decides.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ace_cli.playbook import Confirm, Join
from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.reader import RunReader
from support.inside import Inside
from support.scripted_roles import Script, Truth, unit
from support.scripted_server import ScriptedServer

FIXTURES = Path(__file__).parents[1] / "fixtures"
EACH = 5
"""Lessons that an example teaches."""


@dataclass(frozen=True)
class Lesson:
    """``rule`` is its name, equal for all wordings of it; ``opposite``: it says the reverse. Vacuous ones have no rule."""

    domain: str
    text: str
    rule: str = ""
    opposite: bool = False


def lessons(name: str, vacuous: float = 0.0) -> list[Lesson]:
    """Those of a file; so large a share of all is empty advice."""
    found: list[Lesson] = []
    domain = rule = ""
    for line in (FIXTURES / f"teacher_{name}.txt").read_text("utf-8").splitlines():
        sign, _, text = line.partition(" ")
        if sign == "#":
            domain = text
        elif sign == "":
            rule = ""
        else:
            rule = rule or text
            found.append(Lesson(domain, text, rule, opposite=sign == "-"))
    empty = (FIXTURES / "teacher_vacuous.txt").read_text("utf-8").splitlines()
    domains = list(dict.fromkeys(lesson.domain for lesson in found))
    wanted = round(len(found) * vacuous / (1 - vacuous))
    return found + [
        Lesson(domains[n % len(domains)], empty[n // len(domains) % len(empty)]) for n in range(wanted)
    ]


def taught(world: Sequence[Lesson]) -> list[tuple[str, list[Lesson]]]:
    """Domain and lessons of each example, in the order of the plan."""
    by_domain: defaultdict[str, list[Lesson]] = defaultdict(list)
    for lesson in sorted(world, key=lambda lesson: unit("taught", lesson.domain, lesson.text)):
        by_domain[lesson.domain].append(lesson)
    groups = [
        (domain, told[start : start + EACH])
        for domain, told in by_domain.items()
        for start in range(0, len(told), EACH)
    ]
    return sorted(groups, key=lambda group: unit("order", *(lesson.text for lesson in group[1])))


@dataclass(frozen=True)
class Teacher(Script):
    """Answers wrong, teaches what stands under the question, and as Curator knows which lessons say the same."""

    told: dict[str, list[Lesson]] = field(default_factory=dict)
    rules: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def _reflect(self, prompt: str, question: str) -> dict[str, Any]:
        insights = [
            {"content": lesson.text, "section": "helpful", "confidence": 0.9}
            for lesson in self.told[question]
        ]
        return {
            "reasoning": "",
            "error_identification": "",
            "root_cause": "",
            "correct_approach": "",
            "insights": insights,
            "bullet_tags": [],
        }

    def _lesson(self, content: str) -> str | None:
        known = self.rules.get(content.strip())
        return None if known is None else f"{known}"


@dataclass(frozen=True)
class Kept:
    """What of a world is in the playbook that a run made of it; bullets in use alone."""

    bullets: dict[str, int]
    """By rule, those that say it."""
    opposites: list[str]
    """Bullets that say the reverse of a rule which is in use as well."""
    vacuous: Counter[str]
    """By domain."""
    merges: int
    wrong: list[tuple[str, str]]
    """Lessons that were merged into one that says something else, and that one."""

    @property
    def lost(self) -> list[str]:
        return [rule for rule, count in self.bullets.items() if not count]

    @property
    def each(self) -> float:
        """Bullets a rule."""
        return sum(self.bullets.values()) / len(self.bullets)


def train(inside: Inside, world: Sequence[Lesson], name: str, **flags: object) -> Kept:
    """Run ``ace train`` with the world's teacher, in the folder ``name``."""
    groups = taught(world)
    rows = [
        {"question": f"Case {n} of the desk {domain}: what is done?", "answer": f"K{n}", "domain": domain}
        for n, (domain, _) in enumerate(groups)
    ]
    data = inside.cwd / f"{name}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    server = ScriptedServer()
    server.script = Teacher(
        Truth((row["question"], row["answer"]) for row in rows),
        right=0.0,
        cite=0.0,
        told={row["question"]: told for row, (_, told) in zip(rows, groups, strict=True)},
        rules={lesson.text: (lesson.rule, lesson.opposite) for lesson in world if lesson.rule},
    )
    with server:
        output = inside.cwd / f"{name}.json"
        done = inside.train(server, data, len(rows), run_dir=name, output=output, progress="none", **flags)
    assert done.code == 0, done.err
    return kept(world, inside.cwd / name, output)


def kept(world: Sequence[Lesson], run_dir: Path, playbook: Path) -> Kept:
    """What became of the lessons of ``world`` in a run."""
    known = {(lesson.domain, lesson.text): lesson for lesson in world}
    bullets = {bullet.id: bullet for bullet in read_playbook(playbook).bullets}
    used = [known[b.domain_id, b.content] for b in bullets.values() if not b.is_quarantined]
    says = Counter(lesson.rule for lesson in used if not lesson.opposite)
    merged = []
    with RunReader(run_dir) as run:
        for merge in run.merges():
            for change in merge.delta.changes:
                if isinstance(change, Confirm):
                    into = bullets[change.bullet_id]
                    merged.append((change.content, into.content, into.domain_id))
                elif isinstance(change, Join):
                    into = bullets[change.into]
                    merged.append((bullets[change.bullet_id].content, into.content, into.domain_id))
    lessons_of = [(known[domain, one], known[domain, other]) for one, other, domain in merged]
    return Kept(
        {lesson.rule: says[lesson.rule] for lesson in world if lesson.rule},
        [lesson.text for lesson in used if lesson.opposite and says[lesson.rule]],
        Counter(lesson.domain for lesson in used if not lesson.rule),
        len(merged),
        [(a.text, b.text) for a, b in lessons_of if (a.rule, a.opposite) != (b.rule, b.opposite)],
    )
