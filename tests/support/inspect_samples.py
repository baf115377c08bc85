"""A playbook worth looking at, for the tests of `ace inspect` and for its pictures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ace_cli.data import Example
from ace_cli.llm.base import ChatReply
from ace_cli.playbook import Add, Bullet, Change, Confirm, Delta, Drop, Playbook, Section, Vote, confidence
from ace_cli.runs.records import CurvePoint, Episode, Header, RecordedReply, Round, State
from ace_cli.runs.store import RunStore
from ace_cli.scoring import Verdict
from ace_cli.settings import DEFINITIONS, Kind
from ace_cli.stages.base import Attempt, BulletTag, Insight, Reflection

LESSONS: list[tuple[str, str, str, str, int, int]] = [
    # content, domain, section, stage, helpful, harmful
    ("Write down the units of every quantity before calculating, and convert them first.", "math", "helpful", "production", 14, 1),
    ("When a price drops by a percentage, multiply it by one minus the rate.", "math", "helpful", "production", 9, 0),
    ("Do not round intermediate results; round the final answer only.", "math", "harmful", "shadow", 6, 1),
    ("The current ratio is current assets divided by current liabilities.", "finance", "helpful", "production", 11, 0),
    ("ROI subtracts the whole investment, extra expenses included, from the gain.", "finance", "helpful", "shadow", 5, 2),
    ("Answers with a currency sign are read as numbers.", "finance", "neutral", "shadow", 1, 1),
    ("Halve the result when the question mentions a pair.", "math", "helpful", "quarantined", 1, 5),
    ("Read the last sentence of the question again before you answer: it says what is asked for.", "general", "helpful", "production", 22, 2),
    ("Discount each cash flow by its own period, then add them up.", "finance", "helpful", "shadow", 4, 0),
    ("Do not confuse 'twice as many as' with 'two more than'.", "math", "harmful", "shadow", 3, 0),
    ("Half as many means divide by two; half as many again means multiply by 1.5.", "math", "helpful", "shadow", 3, 1),
    ("Give the number alone, without a sentence around it.", "general", "helpful", "production", 17, 0),
]  # fmt: skip

HOSTILE = "\x1b[31mred\x1b[0m [bold]loud[/bold] \x00 \u202egnp.exe \x9b2J <script>alert(1)</script>"


def rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"B{number:03d}",
            "content": content,
            "domain_id": domain,
            "section": section,
            "stage": stage,
            "activation_count": helpful + harmful,
            "confidence": confidence(helpful, harmful),
            "helpful_count": helpful,
            "harmful_count": harmful,
            "neutral_count": 0,
            "sources": [f"train-{number * 7}", f"train-{number * 11}"],
            "created_at": f"2026-11-{number:02d}T09:00:00Z",
            "updated_at": "2026-11-22T10:00:00Z",
        }
        for number, (content, domain, section, stage, helpful, harmful) in enumerate(LESSONS, 1)
    ]


def write(path: Path, bullets: list[dict[str, Any]] | None = None, **fields: Any) -> Path:
    """A playbook file of DESIGN's form at ``path``; ``fields`` are further top-level ones."""
    value = {
        "version": "v1.0.0",
        "created_at": "2026-11-22T10:00:00Z",
        "training_config": {"dataset": "gsm8k", "num_examples": 200},
        "bullets": rows() if bullets is None else bullets,
        **fields,
    }
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def make_run(
    folder: Path,
    *,
    examples: int = 60,
    state: str = "finished",
    hostile: bool = False,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """A run directory as the engine leaves it: batches of 10, a lesson learned, merged, cited and dropped in each.

    ``settings`` are identity settings that differ from the usual ones.
    """
    folder.mkdir(parents=True)
    dataset = [
        Example(f"train-{i}", f"What is {i} plus {i}?", str(2 * i), "math" if i % 3 else "finance")
        for i in range(examples)
    ]
    identity = {d.path: d.default for d in DEFINITIONS.values() if d.kind is Kind.IDENTITY}
    identity |= {"data.num_examples": examples, "models.generator.model": "gpt-4o", **settings}
    origins = {"data.num_examples": 50, "models.generator.model": 50}
    header = Header(
        "2026-11-22T09:00:00Z",
        "0.1.0",
        identity,
        origins,
        {},
        Playbook(created_at="2026-11-22T09:00:00Z"),
        "",
        {},
    )
    RunStore.create(folder, header, {}, dataset, lambda: "hash")
    asyncio.run(_train(folder, dataset, state, hostile))
    return folder


async def _train(folder: Path, dataset: list[Example], state: str, hostile: bool) -> None:
    with RunStore(folder) as store:
        store.begin_session({"execution.concurrency": 4})
        size = right = failed = 0
        for batch in range(len(dataset) // 10):
            episodes: list[Episode] = []
            changes: list[Change] = []
            batch_right = 0
            for step in range(batch * 10, batch * 10 + 10):
                episode = await _episode(store, dataset[step], step, batch, hostile)
                episodes.append(episode)
                batch_right += episode.correct
                failed += episode.failed
            at = f"2026-11-22T09:{batch:02d}:00Z"
            first = episodes[0].example_id
            if size < len(LESSONS):
                content, domain, section, _, _, _ = LESSONS[size]
                size += 1
                lesson = Bullet(
                    f"B{size:03d}", HOSTILE if hostile else content, domain, Section(section), sources=(first,),
                    helpful_count=0, activation_count=1, created_at=at, updated_at=at,
                )  # fmt: skip
                changes.append(Add(lesson, first))
            changes += [
                Confirm(
                    "B001", episodes[1].example_id, "Always write the units down.", Section.HELPFUL, 0.871
                ),
                Vote("B001", episodes[2].example_id, Section.HELPFUL),
                Drop(episodes[3].example_id, "Be careful.", Section.NEUTRAL, "no lesson in it"),
            ]
            right += batch_right
            seen = batch * 10 + 10
            await store.record_merge(
                batch,
                Delta(at, tuple(changes)),
                CurvePoint(
                    batch, 0, seen, right, failed, right / seen, batch_right / 10, size, size, batch + 1,
                    {"helpful": 2, "harmful": 0, "neutral": 1}, seen * 2, seen * 400, seen * 0.0012,
                ),
            )  # fmt: skip
        if state != "running":
            store.end_session(State(state), "" if state == "finished" else "spent $1.00 of $1.00")


async def _episode(store: RunStore, example: Example, step: int, batch: int, hostile: bool) -> Episode:
    common: dict[str, Any] = {"step": step, "epoch": 0, "index": step, "batch": batch, "version": batch}
    if step % 20 == 13:
        return await _recorded(
            store,
            Episode(
                **common,
                example_id=example.id,
                domain=example.domain,
                failure="timeout",
                error="no reply in 120 s",
            ),
        )
    right = (step * 7) % 10 < 4 + batch
    answer = example.answer if right else "41"
    reasoning = HOSTILE if hostile else f"I add {step} to itself."
    for turn, (role, text, model) in enumerate(
        [
            ("generator", json.dumps({"reasoning": reasoning, "bullet_ids": ["B001"], "final_answer": answer}), "gpt-4o"),
            ("reflector", json.dumps({"insights": [{"content": "Always write the units down."}]}), "gpt-4o-mini"),
        ]
    ):  # fmt: skip
        await store.record_reply(
            RecordedReply(
                f"{step}-{role}", step, role, 0, model,
                (("system", f"You are the {role.title()}."), ("user", example.question)),
                ChatReply(text, "stop", 300, 40, 100 if turn else 0, 0.001 + step / 1e5, step % 5 == 0, 1.5),
                f"2026-11-22T09:{batch:02d}:{turn:02d}Z",
            )
        )  # fmt: skip
    reflection = Reflection(
        (Insight("Always write the units down."),), (BulletTag("B001", Section.HELPFUL),), reasoning,
        root_cause="" if right else "Guessed instead of adding.",
    )  # fmt: skip
    round_ = Round(
        Attempt(answer, reasoning, ("B001",)), Verdict(right, example.answer, answer, "numeric"), reflection
    )
    return await _recorded(
        store,
        Episode(
            **common, example_id=example.id, domain=example.domain, shown=batch + 1, rounds=(round_,),
            seconds=1.0 + (step * 13 % 30) / 10,
        ),
    )  # fmt: skip


async def _recorded(store: RunStore, episode: Episode) -> Episode:
    await store.record_episode(episode)
    return episode


def lock(folder: Path) -> AbstractContextManager[None]:
    """Hold the run as its writer does."""
    from ace_cli.runs.lock import hold

    return hold(folder)


async def one_more_merge(store: RunStore) -> None:
    last = list(store.merges())[-1]
    curve = replace(last.curve, batch=last.batch + 1, examples_seen=last.curve.examples_seen + 10)
    await store.record_merge(last.batch + 1, Delta("2026-11-22T10:00:00Z", ()), curve)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """A file of the lessons above."""
    return write(tmp_path / "playbook.json")


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 60 examples, to be read only."""
    return make_run(tmp_path_factory.mktemp("runs") / "one")
