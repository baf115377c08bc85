"""A playbook in order: what says the same is merged, what is too much is retired, and all of it can be taken back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ace_cli import OfflineTrainer, TrainingConfig
from ace_cli.cli.app import run as ace
from ace_cli.data import Example
from ace_cli.embeddings import make_embedder
from ace_cli.engine.wiring import Replacements
from ace_cli.errors import Interrupted
from ace_cli.playbook import (
    Add,
    Bullet,
    Change,
    Delta,
    Join,
    Playbook,
    PlaybookStage,
    Refined,
    Section,
    TakeBack,
    Vote,
    confidence,
)
from ace_cli.playbook import Answers as AnswersOf
from ace_cli.playbook.edit import EditSession
from ace_cli.playbook.formats import dump_playbook, read_playbook
from ace_cli.playbook.outcomes import Outcomes
from ace_cli.playbook.retire import retire
from ace_cli.runs.reader import RunReader
from ace_cli.sameness.by_rules import RuleSameness
from ace_cli.settings.recorded import Recorded
from ace_cli.stages.base import Ask, Attempt, Case, Insight, Reflection, Task
from ace_cli.stages.refine import refine
from ace_cli.training import job
from support.builders import book
from support.command import read_json

AT = "2026-01-01T00:00:00Z"
UNITS = "Convert all units before dividing."
SAME = "Convert all of the units before dividing."
OTHER = "Round the price up to full crowns."


def refined(playbook: Playbook, known: int = 0) -> tuple[Playbook, tuple[Change, ...]]:
    changes = asyncio.run(refine(playbook, make_embedder("wordllama"), RuleSameness(0.8), known=known))
    return playbook.apply(Delta(AT, changes)), changes


def taught(bullet: Bullet, sources: str, right: int = 0, wrong: int = 0, activations: int = 0) -> Bullet:
    return replace(
        bullet, sources=tuple(sources), helpful_count=right, harmful_count=wrong, activation_count=activations,
        confidence=confidence(right, wrong),
    )  # fmt: skip


def two() -> Playbook:
    first, second, other = book(UNITS, SAME, OTHER).bullets
    first = taught(first, "ab", 1, 0, 2)
    second = taught(second, "bc", 4, 1, 6)
    return Playbook((first, second, other))


def test_what_says_the_same_is_merged_into_the_one_with_more_evidence() -> None:
    playbook, changes = refined(two())
    assert [type(change) for change in changes] == [Join, Refined]
    gone, kept, other = playbook.bullets
    assert (kept.id, kept.content, kept.sources) == ("B002", SAME, ("b", "c", "a"))
    assert (kept.helpful_count, kept.harmful_count, kept.activation_count) == (5, 1, 9)
    assert kept.confidence == round(6 / 8, 4)
    assert (gone.content, gone.is_quarantined) == (UNITS, True)
    assert gone.extra["set_aside"]["bullet"] == "B002"
    assert other == two().bullets[2]


def test_refining_again_changes_nothing() -> None:
    playbook, _ = refined(two())
    assert refined(playbook)[1] == (Refined(3),)
    assert refined(two(), known=3)[1] == (Refined(3),), "what was compared before is not compared again"


def test_a_merge_can_be_taken_back_by_a_delta_and_by_hand() -> None:
    playbook, _ = refined(two())
    back = playbook.apply(Delta(AT, (TakeBack("B001", "it says more"),)))
    unlike = [replace(bullet, updated_at="") for bullet in back.bullets]
    assert unlike == list(two().bullets)
    session = EditSession(playbook, by="alice")
    session.set_stage("B001", PlaybookStage.PRODUCTION)
    gone, kept, _ = session.playbook.bullets
    assert (gone.stage, kept.helpful_count, kept.sources) == (PlaybookStage.PRODUCTION, 4, ("b", "c"))
    session.undo()
    assert session.playbook == playbook


def test_evidence_that_came_later_stays_when_a_merge_is_taken_back() -> None:
    playbook, _ = refined(two())
    playbook = playbook.apply(Delta(AT, (Vote("B002", "d", Section.HELPFUL),)))
    playbook = playbook.apply(Delta(AT, (TakeBack("B001", ""),)))
    assert playbook.by_id["B002"].helpful_count == 5


def test_other_domains_and_bullets_out_of_use_are_left_alone() -> None:
    here, there = book(UNITS).bullets[0], replace(book(SAME, domain="physics").bullets[0], id="B002")
    assert refined(Playbook((here, there)))[1] == (Refined(2),)
    out = replace(there, domain_id="math", stage=PlaybookStage.QUARANTINED)
    assert refined(Playbook((here, out)))[1] == (Refined(2),)


def test_inspect_shows_what_would_be_merged_and_writes_it_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, new = tmp_path / "playbook.json", tmp_path / "refined.json"
    path.write_bytes(dump_playbook(two()))
    assert ace(["inspect", str(path), "--refine"]) == 0
    told = capsys.readouterr()
    assert "B001 -> B002" in told.out
    assert "1 of 3 bullets say the same as another; nothing is changed" in told.err
    assert read_playbook(path) == two()
    assert ace(["inspect", str(path), "--refine", "--json", "--output", str(new)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["action"], row["bullet_id"], row["into"]) == ("join", "B001", "B002")
    assert [bullet.id for bullet in read_playbook(new).for_domain("math")] == ["B002", "B003"]
    assert ace(["inspect", str(path), "--refine", "--output", str(new)]) == 2
    assert "exists and was left as it is" in capsys.readouterr().err


def test_inspect_restores_a_merged_bullet_with_its_own_evidence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, new = tmp_path / "refined.json", tmp_path / "restored.json"
    path.write_bytes(dump_playbook(refined(two())[0]))
    assert ace(["inspect", str(path), "--restore", "b1"]) == 0
    told = capsys.readouterr()
    assert "B001 -> shadow  was set aside (merged): says the same as B002" in told.out
    assert "B002 gives back 1 helpful, 3 activation, 1 sources" in told.out
    assert "1 bullet would be used again; nothing is changed" in told.err
    assert not new.exists()
    assert ace(["inspect", str(path), "--restore", "B001", "--output", str(new), "--json"]) == 0
    rows = {row["bullet_id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["B001"]["stage"] == "shadow"
    assert (rows["B002"]["helpful_count"], rows["B002"]["sources"]) == (-1, -1)
    restored = read_playbook(new)
    assert [replace(b, updated_at="") for b in restored.bullets] == list(two().bullets)
    assert [edit["id"] for edit in restored.extra["edits"]] == ["B001"]


def test_inspect_restores_what_was_set_aside_by_hand_and_nothing_that_is_in_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, new = tmp_path / "playbook.json", tmp_path / "new.json"
    session = EditSession(book(UNITS, OTHER, stage=PlaybookStage.PRODUCTION), by="alice")
    session.set_stage("B002", PlaybookStage.QUARANTINED)
    path.write_bytes(dump_playbook(session.result()))
    for wrong, why in (
        (["--restore", "B001"], "B001 is in use"),
        (["--restore", "B009"], "B009"),
        (["--restore", "B002", "--refine"], "cannot be combined"),
    ):
        assert ace(["inspect", str(path), *wrong, "--output", str(new)]) == 2
        assert why in capsys.readouterr().err
    assert not new.exists()
    assert ace(["inspect", str(path), "--restore", "B002", "--output", str(new)]) == 0
    assert read_playbook(new).by_id["B002"].stage is PlaybookStage.PRODUCTION
    assert ace(["inspect", str(path), "--restore", "B002", "--output", str(new)]) == 2
    assert "exists and was left as it is" in capsys.readouterr().err


def test_along_a_chain_of_merges_evidence_comes_back_from_whoever_has_it_now() -> None:
    books = book(UNITS, SAME, OTHER).bullets
    one, two_, three = (taught(b, s, r) for b, s, r in zip(books, ("a", "b", "ac"), (1, 2, 4), strict=True))
    start = Playbook((one, two_, three))
    merged = start.apply(Delta(AT, (Join("B001", "B002"), Join("B002", "B003"))))
    assert (merged.by_id["B003"].helpful_count, merged.by_id["B003"].sources) == (7, ("a", "c", "b"))
    back = merged.apply(Delta(AT, (TakeBack("B001", ""),)))
    assert [back.by_id[i].helpful_count for i in ("B001", "B003")] == [1, 6]
    assert back.by_id["B003"].sources == ("a", "c", "b"), "it had the example of the first one itself"
    back = back.apply(Delta(AT, (TakeBack("B002", ""),)))
    assert [replace(bullet, updated_at="") for bullet in back.bullets] == list(start.bullets)


# -- in a run


@dataclass
class Answers:
    """Right where it cites the lesson about units, which it does when it is shown; wrong with any other cited."""

    stop_at: int = -1

    async def generate(self, task: Task, ask: Ask) -> Attempt:
        if int(task.id[1:]) == self.stop_at:
            raise Interrupted("enough")
        units = [bullet.id for bullet in task.bullets if "units" in bullet.content]
        return Attempt("4" if units else "5", bullet_ids=tuple(units[:1]))


LESSONS = (
    "Convert all units before dividing.",
    "Write the surname before the given name.",
    "Leave out the fees of the harbour.",
    "Count the days from Monday on.",
    "Put the price into the last column.",
    "Answer with the name of the shelf.",
    "Ferries carry no more than forty cars.",
    "Write the month before the day.",
)


@dataclass
class Teaches:
    async def reflect(self, case: Case, ask: Ask) -> Reflection:
        return Reflection((Insight(LESSONS[int(case.example.id[1:]) % len(LESSONS)]),))


def train(folder: Path, generator: Answers, **settings: Any) -> Playbook:
    config = TrainingConfig(
        generator_model="openai/x", reflector_model="openai/x", batch_merge_size=4, run_dir=folder / "run", save_checkpoints=False,
        output_playbook_path=folder / "playbook.json", output_metrics_path=folder / "metrics.json",
        settings={"training.lookahead": 0, **{f"training.{name}": value for name, value in settings.items()}},
    )  # fmt: skip
    examples = [Example(f"e{n}", f"question {n}", "4") for n in range(40)]
    OfflineTrainer(config, examples, generator=generator, reflector=Teaches()).train()
    return read_playbook(folder / "playbook.json")


def test_a_playbook_that_is_too_large_retires_what_nobody_cites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playbook = train(tmp_path, Answers(), max_playbook_tokens=60)
    used = playbook.for_domain("general")
    assert "B001" in [bullet.id for bullet in used]
    retired = [b for b in playbook.bullets if b.extra.get("set_aside", {}).get("cause") == "retired"]
    assert len(used) + len(retired) == len(playbook) == len(LESSONS), (
        "all are kept, and recognised when they come again"
    )
    metrics = read_json(tmp_path / "metrics.json")["playbook"]
    assert metrics["retired"] == len(retired)
    capsys.readouterr()
    assert ace(["inspect", str(tmp_path / "run"), retired[0].id]) == 0
    assert "set aside (retired):" in capsys.readouterr().out
    with RunReader(tmp_path / "run") as run:
        assert run.playbook().bullets == playbook.bullets


def test_bullets_go_in_the_order_uncited_then_least_confident() -> None:
    bullets = book("uncited", "doubtful", "good", "new", domain="general").bullets
    doubtful = taught(bullets[1], "", 1, 3)
    good = taught(bullets[2], "", 9)
    outcomes = Outcomes()
    outcomes.add(Delta(AT, (AnswersOf("math", 20, 10),)))
    outcomes.add(Delta(AT, (Add(bullets[3], "e1"),)))
    playbook = Playbook((bullets[0], doubtful, good, bullets[3]))
    gone = {
        most: [c.bullet_id for c in retire(playbook, outcomes, lambda _: 10, most)]
        for most in (40, 30, 20, 10)
    }
    assert gone == {40: [], 30: ["B001"], 20: ["B001", "B002"], 10: ["B001", "B002", "B004"]}
    (first, *_) = retire(playbook, outcomes, lambda _: 10, 30)
    assert first.reason == "none of 30 answers cites it; the playbook has 40 tokens and may have 30"


def test_within_the_budget_nothing_is_retired(tmp_path: Path) -> None:
    playbook = train(tmp_path, Answers(), max_playbook_tokens=10_000)
    assert len(playbook.for_domain("general")) == len(LESSONS)


def test_a_run_that_was_interrupted_retires_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = train(tmp_path / "whole", Answers(), max_playbook_tokens=60, epochs=2)
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", Answers(stop_at=25), max_playbook_tokens=60, epochs=2)
    with RunReader(tmp_path / "cut/run") as run:
        settings = Recorded(run.header().identity, run.runtime(), {}).settings
    job.train(tmp_path / "cut/run", settings, lambda _: None, Replacements(Answers(), Teaches()))
    assert read_playbook(tmp_path / "cut/playbook.json").bullets == whole.bullets


def test_an_epoch_ends_with_a_look_at_the_whole_playbook(tmp_path: Path) -> None:
    """Bullets that were put into the playbook by hand are merged where they say the same."""
    start = tmp_path / "start.json"
    start.write_bytes(dump_playbook(book(UNITS, SAME, domain="general")))
    (tmp_path / "on").mkdir()
    playbook = train(tmp_path / "on", Answers(), initial_playbook=str(start))
    assert [b.id for b in playbook.bullets if b.extra.get("set_aside", {}).get("cause") == "merged"] == [
        "B002"
    ]
    with RunReader(tmp_path / "on/run") as run:
        changes = [
            (merge.batch, c) for merge in run.merges() for c in merge.delta.changes if isinstance(c, Refined)
        ]
    assert [batch for batch, _ in changes] == [9], "at the end of the one epoch"
    (tmp_path / "off").mkdir()
    playbook = train(tmp_path / "off", Answers(), initial_playbook=str(start), refine=False)
    assert not any(bullet.is_quarantined for bullet in playbook.bullets)
