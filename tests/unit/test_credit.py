"""What a bullet is credited with: the verdicts of answers that cite it, not what anybody says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import fisher_exact

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.errors import Interrupted
from ace_cli.playbook import Answers, Delta, Playbook, Section
from ace_cli.playbook.outcomes import CHANCE, Outcomes, chance_of_so_few
from ace_cli.runs.reader import RunReader
from ace_cli.stages.base import Ask, Attempt, BulletTag, Case, Insight, Reflection, Task
from support.builders import examples
from support.command import read_json

LESSON = "When a sum has two parts, add the larger one first."


@dataclass
class Cites:
    """Cites its first bullet for every other question, and is then wrong if ``wrong`` says so; else it is right."""

    wrong: Callable[[int], bool] = lambda _: True
    stop_at: int = -1

    async def generate(self, task: Task, ask: Ask) -> Attempt:
        number = int(task.id[1:])
        if number == self.stop_at:
            raise Interrupted("enough")
        cited = tuple(bullet.id for bullet in task.bullets[:1]) if number % 2 else ()
        return Attempt("5" if cited and self.wrong(number) else "4", bullet_ids=cited)


@dataclass
class Flatters:
    """Teaches the same lesson over and over, and calls what was cited ``tag``."""

    tag: Section = Section.HELPFUL

    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        tags = tuple(BulletTag(bullet.id, self.tag) for bullet in case.cited)
        return Reflection((Insight(LESSON),), tags)


def train(
    folder: Path, generator: Cites, reflector: Any, count: int = 24, **config: Any
) -> list[dict[str, Any]]:
    """The bullets of a run in batches of four; those of the store are the same as those of the file."""
    settings = TrainingConfig(
        generator_model="openai/scripted", reflector_model="openai/scripted", batch_merge_size=4, api_base="http://127.0.0.1:9/v1",
        run_dir=folder / "run", output_playbook_path=folder / "playbook.json", output_metrics_path=folder / "metrics.json",
        settings={"training.lookahead": 0, **{f"training.{name}": value for name, value in config.items()}},
    )  # fmt: skip
    OfflineTrainer(settings, examples(count), generator=generator, reflector=reflector).train()
    written: list[dict[str, Any]] = read_json(folder / "playbook.json")["bullets"]
    with RunReader(folder / "run") as run:
        assert [bullet.to_dict() for bullet in run.playbook().bullets] == written
    return written


def counts(bullet: dict[str, Any]) -> tuple[int, int, int]:
    return bullet["helpful_count"], bullet["harmful_count"], bullet["neutral_count"]


def test_a_flattered_bullet_whose_answers_are_wrong_is_quarantined_and_says_why(tmp_path: Path) -> None:
    (bullet,) = train(tmp_path, Cites(), Flatters())
    assert counts(bullet) == (0, 4, 0), "after two batches it was in no prompt any more"
    assert bullet["confidence"] == round(1 / 6, 4)
    assert bullet["activation_count"] == 4 + 23, "cited four times, learned again 23 times"
    assert bullet["stage"] == "quarantined"
    assert bullet["set_aside"]["reason"] == "of 4 answers that cite it 0 are right, of 8 others 8"


def test_a_bullet_whose_answers_are_right_keeps_its_place_whatever_the_reflector_says(tmp_path: Path) -> None:
    (bullet,) = train(tmp_path, Cites(wrong=lambda _: False), Flatters(Section.HARMFUL))
    assert (bullet["stage"], counts(bullet)) == ("shadow", (10, 0, 0))


def test_a_bullet_that_was_not_to_blame_is_neutral_but_never_helpful(tmp_path: Path) -> None:
    (bullet,) = train(tmp_path, Cites(), Flatters(Section.NEUTRAL), count=8)
    assert counts(bullet) == (0, 0, 2)
    assert bullet["confidence"] == 0.5


def test_a_bullet_that_does_no_worse_than_answers_without_it_stays(tmp_path: Path) -> None:
    """Half of the answers that cite it are wrong, where those without it are wrong as often."""

    class Hard(Cites):
        async def generate(self, task: Task, ask: Ask) -> Attempt:
            attempt = await super().generate(task, ask)
            return replace(attempt, answer="5" if int(task.id[1:]) % 4 < 2 else "4")

    (bullet,) = train(tmp_path, Hard(), Flatters(), count=60)
    assert (bullet["stage"], counts(bullet)) == ("shadow", (14, 14, 0))


def test_quarantine_waits_for_the_citations_that_are_asked_for(tmp_path: Path) -> None:
    (bullet,) = train(tmp_path, Cites(), Flatters(), count=16, quarantine_min_votes=7)
    assert (bullet["stage"], counts(bullet)) == ("shadow", (0, 6, 0))
    (tmp_path / "never").mkdir()
    (bullet,) = train(tmp_path / "never", Cites(), Flatters(), quarantine_min_votes=0)
    assert (bullet["stage"], counts(bullet)) == ("shadow", (0, 10, 0))


def test_the_counts_of_old_runs_can_still_be_had(tmp_path: Path) -> None:
    (bullet,) = train(tmp_path, Cites(), Flatters(), credit="opinion")
    assert counts(bullet) == (23 + 10, 0, 0), "a vote for each repeat, and what the Reflector says"
    assert bullet["stage"] == "shadow"


def test_after_an_interrupt_the_counts_and_the_quarantine_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ace_cli.engine.wiring import Replacements
    from ace_cli.settings.recorded import Recorded
    from ace_cli.training import job

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = train(tmp_path / "whole", Cites(), Flatters())
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", Cites(stop_at=9), Flatters())
    with RunReader(tmp_path / "cut/run") as run:
        settings = Recorded(run.header().identity, run.runtime(), {}).settings
    job.train(tmp_path / "cut/run", settings, lambda _: None, Replacements(Cites(), Flatters()))
    assert read_json(tmp_path / "cut/playbook.json")["bullets"] == whole


def test_inspect_tells_that_a_bullet_is_failing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ace_cli.cli.app import run as ace

    train(tmp_path, Cites(), Flatters(), quarantine_min_votes=0, count=8)
    capsys.readouterr()
    assert ace(["inspect", str(tmp_path / "playbook.json"), "B001"]) == 0
    assert (
        "failing: learned again 7 times, but 2 of 2 answers that cite it are wrong" in capsys.readouterr().out
    )
    assert ace(["inspect", str(tmp_path / "run"), "B001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bullet"]["harmful_count"] == 2


# -- the comparison


def seen(**domains: tuple[int, int, int, int]) -> Outcomes:
    """By domain: right and wrong answers that cite B001, right and wrong ones that do not."""
    outcomes = Outcomes()
    for domain, (right, wrong, right_without, wrong_without) in domains.items():
        answers = Answers(
            domain, right + right_without, wrong + wrong_without, ("B001",) * right, ("B001",) * wrong
        )
        outcomes.add(Delta("now", (answers,)))
    return outcomes


@pytest.mark.parametrize(
    ("cited", "others", "worse"),
    [
        ((0, 1), (50, 0), True),
        ((0, 1), (20, 0), False),
        ((0, 3), (3, 0), False),
        ((0, 3), (6, 0), True),
        ((0, 3), (0, 90), False),
        ((1, 2), (5, 4), False),
        ((0, 24), (8, 32), True),
        ((0, 9), (8, 32), False),
        ((30, 30), (45, 15), True),
        ((45, 15), (30, 30), False),
        ((0, 9), (0, 0), False),
    ],
)
def test_small_numbers_condemn_nothing(cited: tuple[int, int], others: tuple[int, int], worse: bool) -> None:
    assert bool(seen(sums=(*cited, *others)).does_worse("B001")) == worse


@pytest.mark.parametrize("table", [(0, 3, 6, 0), (2, 9, 14, 6), (40, 60, 70, 30), (0, 0, 3, 3)])
def test_the_chance_is_that_of_fishers_exact_test(table: tuple[int, int, int, int]) -> None:
    expected = fisher_exact([table[:2], table[2:]], alternative="less").pvalue
    assert chance_of_so_few([table]) == pytest.approx(expected)


def test_a_general_bullet_is_not_blamed_for_the_hard_domain_that_it_is_cited_in() -> None:
    """All together: 12 of 60 right with it, 94 of 100 without it. Domain by domain it makes no difference."""
    outcomes = seen(easy=(9, 1, 90, 10), hard=(3, 47, 4, 66))
    assert chance_of_so_few([(12, 48, 94, 76)]) < CHANCE
    assert not outcomes.does_worse("B001")


def test_a_playbook_file_with_counts_of_the_old_meaning_loads_as_it_is() -> None:
    from ace_cli.playbook import Bullet

    row = {"id": "B001", "content": LESSON, "activation_count": 20, "helpful_count": 20}
    bullet = Bullet.from_dict(row)
    assert (bullet.helpful_count, bullet.repeats, bullet.is_failing) == (20, 0, False)
    assert Playbook((bullet,)).apply(Delta("now")).bullets == (bullet,)
