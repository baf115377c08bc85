"""Validation while training: the best version is kept, the start takes part, and what chose it does not judge it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.reader import RunReader
from ace_cli.runs.records import PhaseKind, Split
from support.command import read_json
from support.inside import Inside, Outcome
from support.learner import learner, rows, write_rows
from support.scripted_server import ScriptedServer

pytestmark = pytest.mark.patient

TRAINED, HELD = rows("trained", 20), rows("held", 24)


def grows(bullets: int) -> float:
    return 0.2 + 0.1 * bullets


def spoils(bullets: int) -> float:
    return 0.1 if bullets > 8 else 0.2 + 0.1 * bullets


def harms(bullets: int) -> float:
    return 0.0 if bullets else 0.6


@contextmanager
def running(skill: Callable[[int], float], **options: Any) -> Iterator[ScriptedServer]:
    with learner(skill, [*TRAINED, *HELD], **options) as server:
        yield server


def train(inside: Inside, server: ScriptedServer, *switches: str, held: Any = HELD, **flags: Any) -> Outcome:
    """20 rows in batches of 4, validated on ``held``."""
    data = write_rows(inside.cwd / "train.jsonl", TRAINED)
    if held is not None:
        flags["validation_input"] = write_rows(inside.cwd / "held.jsonl", held)
    given = {"input": data, "num_examples": 20, "batch_size": 4, "api_base": server.url, "run_dir": "run"}
    models = {"generator_model": "openai/scripted", "reflector_model": "openai/scripted"}
    files = {"output": "out/playbook.json", "metrics_output": "out/metrics.json"}
    table = {**given, **models, **files, **flags}
    words = [part for name, value in table.items() for part in (f"--{name.replace('_', '-')}", value)]
    done = inside("train", *words, *switches)
    assert done.code == 0, done.err
    return done


def version(inside: Inside, number: int | None) -> list[str]:
    with RunReader(inside.cwd / "run") as run:
        return [bullet.content for bullet in run.playbook(number).bullets]


def written(inside: Inside) -> list[str]:
    return [bullet.content for bullet in read_playbook(inside.cwd / "out/playbook.json").bullets]


def test_the_best_version_is_written_where_the_last_is_worse(inside: Inside) -> None:
    with running(spoils) as server:
        done = train(inside, server, validate_every=1)
    said = read_json(inside.cwd / "out/metrics.json")["validation"]
    best = max(said["versions"], key=lambda one: one["correct"])
    assert [one["version"] for one in said["versions"]] == [0, 1, 2, 3, 4, 5]
    assert 0 < best["version"] < 5
    assert said["chosen"] == best["version"]
    assert best["accuracy"] > said["versions"][-1]["accuracy"]
    assert written(inside) == version(inside, best["version"]) != version(inside, None)
    assert f"version {best['version']} of 5 is the best and is written" in done.out
    exported = inside("export", "run", "--format", "json", "--output", "copy.json", "--include-quarantined")
    assert exported.code == 0, exported.err
    assert len(read_json(inside.cwd / "copy.json")["bullets"]) == len(written(inside))


def test_the_last_version_is_written_if_that_is_asked_for(inside: Inside) -> None:
    with running(spoils) as server:
        done = train(inside, server, validate_every=1, keep="last")
    assert written(inside) == version(inside, None)
    assert "as --keep last says" in done.out


@pytest.mark.parametrize("initial", [False, True])
def test_where_nothing_beats_the_start_the_start_is_written_and_that_is_said(
    inside: Inside, initial: bool
) -> None:
    flags = {}
    if initial:
        flags["initial_playbook"] = inside.cwd / "start.txt"
        flags["initial_playbook"].write_text("## HINTS\n[hint-00001] helpful=1 harmful=0 :: Ask the clerk.\n")
    skill = (lambda bullets: 0.5 if bullets <= 1 else 0.1) if initial else harms
    with running(skill) as server:
        done = train(inside, server, **flags)
    assert written(inside) == version(inside, 0) == (["Ask the clerk."] if initial else [])
    metrics = read_json(inside.cwd / "out/metrics.json")
    assert metrics["validation"]["chosen"] == 0
    assert metrics["playbook"]["final_size"] == len(written(inside))
    assert "no version was better than the starting playbook" in done.out
    assert "what is still wrong" in done.out
    assert any("no version was better" in words for words in metrics["validation"]["why"])
    page = inside("export", "run", "--format", "html", "--output", "run.html")
    assert page.code == 0, page.err
    assert "no version was better than the starting playbook" in (inside.cwd / "run.html").read_text()
    assert "no version was better" in inside("inspect", "run").out


def test_of_equals_the_earliest_is_kept(inside: Inside) -> None:
    with running(lambda bullets: 0.6) as server:
        train(inside, server)
    said = read_json(inside.cwd / "out/metrics.json")["validation"]
    assert {one["correct"] for one in said["versions"]} == {said["versions"][0]["correct"]}
    assert said["chosen"] == 0


def test_one_set_is_cut_in_two_half_chooses_half_judges(inside: Inside) -> None:
    with running(grows) as server:
        done = train(inside, server, "--validation-judge")
    with RunReader(inside.cwd / "run") as run:
        choosing, judging = (
            {example.question for example in run.all_examples(split)}
            for split in (Split.VALIDATION, Split.JUDGEMENT)
        )
        kinds = {phase.kind: phase.version for phase in run.phase_records()}
        shown = {
            call.messages[1][1]
            for phase in run.phase_records()
            if phase.kind == PhaseKind.VALIDATION
            for step in range(12)
            for call in run.conversation(step, phase.id)
        }
    assert len(choosing) == len(judging) == 12
    assert choosing | judging == {row["question"] for row in HELD}
    assert not any(question in prompt for prompt in shown for question in judging)
    said = read_json(inside.cwd / "out/metrics.json")["validation"]
    assert [one["version"] for one in said["judged"]] == [0, said["chosen"]]
    assert kinds[PhaseKind.JUDGEMENT] == said["chosen"] > 0
    assert "cut in two by the seed: 12 choose the version, 12 judge it" in done.err
    assert "judged on 12 examples that had no part in the choice, against the start:" in done.out
    assert "fewer than 20 validation examples" in done.out


def test_patience_ends_the_training_and_the_run_is_done(inside: Inside) -> None:
    with running(harms) as server:
        done = train(inside, server, validate_every=1, patience=2, lookahead=2)
    assert "ended early, after batch 2: --patience 2" in done.out
    with RunReader(inside.cwd / "run") as run:
        assert run.state().state == "finished"
        assert [merge.batch for merge in run.merges()] == [0, 1]
        assert run.counts() == (8, run.counts()[1], 0), "nothing was begun that is thrown away"
    calls = len(server.log)
    before = read_json(inside.cwd / "out/metrics.json")
    again = inside("resume", "run", "--input", inside.cwd / "train.jsonl")
    assert again.code == 0, again.err
    assert len(server.log) == calls
    assert read_json(inside.cwd / "out/metrics.json")["validation"] == before["validation"]


def test_nothing_is_asked_without_validation_settings_and_replies_are_not_shared_with_them(
    inside: Inside,
) -> None:
    asked = []
    for number, held in enumerate((None, HELD)):
        with running(grows, keep_requests=True) as server:
            train(inside, server, held=held, run_dir=f"run-{number}", output=f"{number}.json")
            asked.append(server.requests)
    questions = [[request["messages"][-1]["content"] for request in some] for some in asked]
    assert not any("held parcel" in text for text in questions[0])
    assert [text for text in sorted(questions[1]) if "held parcel" not in text] == sorted(questions[0])
    with RunReader(inside.cwd / "run-0") as run:
        assert [phase.kind for phase in run.phase_records()] == [PhaseKind.TRAINING]


def test_a_version_that_asks_the_same_is_not_paid_for_again(inside: Inside) -> None:
    with running(grows) as server:  # nothing is learned: the reflector has no lesson
        server.script = type("Silent", (type(server.script),), {"_reflect": silent})(
            server.script.truth, skill=grows
        )
        train(inside, server)
        held = sum(entry.question is not None and entry.question >= 20 for entry in server.log)
    assert held == len(HELD)
    said = read_json(inside.cwd / "out/metrics.json")["validation"]
    assert [one["same_as"] for one in said["versions"]] == [None, 0, 0, 0, 0]


def silent(self: object, prompt: str, question: str) -> dict[str, Any]:
    texts = ("reasoning", "error_identification", "root_cause", "correct_approach")
    return {**dict.fromkeys(texts, ""), "insights": [], "bullet_tags": []}


def test_rows_that_are_trained_on_are_left_out_by_what_they_say(inside: Inside) -> None:
    same = [{**row, "id": f"other-{row['id']}", "question": row["question"].upper()} for row in TRAINED[:5]]
    with running(grows) as server:
        done = train(inside, server, held=[*same, *HELD])
    assert "5 validation examples were left out: they are trained on as well" in done.err
    with RunReader(inside.cwd / "run") as run:
        assert [example.question for example in run.all_examples(Split.VALIDATION)] == [
            row["question"] for row in HELD
        ]


def test_validation_examples_alone_are_those_that_are_not_trained_on(inside: Inside) -> None:
    with running(grows) as server:
        done = train(inside, server, held=None, num_examples=100, validation_examples=8)
        assert "8 validation examples choose the version" in done.err
        with RunReader(inside.cwd / "run") as run:
            assert [e.id for e in run.all_examples()] == [f"row-{n}" for n in range(12)]
            assert [e.id for e in run.all_examples(Split.VALIDATION)] == [f"row-{n}" for n in range(12, 20)]
        longer = inside("resume", "run", "--extend-to", "16")
    assert longer.code == 2
    assert "are among those that this run validates on" in longer.err


def test_a_longer_plan_is_validated_on(inside: Inside) -> None:
    with running(grows) as server:
        train(inside, server, num_examples=8)
        done = inside("resume", "run", "--extend-to", "20")
        assert done.code == 0, done.err
    said = read_json(inside.cwd / "out/metrics.json")["validation"]
    assert [one["version"] for one in said["versions"]] == [0, 1, 2, 3, 4, 5]
    assert written(inside) == version(inside, said["chosen"])


def test_settings_that_need_validation_examples_say_so(inside: Inside) -> None:
    data = write_rows(inside.cwd / "train.jsonl", TRAINED)
    for flag in (("--patience", "2"), ("--validate-every", "1"), ("--validation-judge",)):
        done = inside(
            "train", "--input", data, *flag, "--generator-model", "openai/x", "--reflector-model", "openai/x"
        )
        assert done.code == 2
        assert f"{flag[0]} needs validation examples" in done.err
    assert not (inside.cwd / "runs").exists()


def test_a_dry_run_counts_what_validation_takes_at_most(inside: Inside) -> None:
    with running(grows) as server:
        done = train(inside, server, "--dry-run", "--validation-judge")
        real = train(inside, server, "--validation-judge")
        calls = len(server.log)
    assert "at most 5 versions, the start among them" in done.out
    (line,) = (
        line for line in done.out.splitlines() if " calls, about" in line and line.startswith("validation")
    )
    assert f"{5 * 12 + 2 * 12} calls" in line
    total = int(re.search(r"^total +([\d,]+) calls", done.out, re.MULTILINE)[1])  # type: ignore[index]
    assert calls <= total, real.out


def test_calls_of_validation_count_to_limits_and_stand_apart_in_metrics(inside: Inside) -> None:
    with running(grows) as server:
        train(inside, server)
    usage = read_json(inside.cwd / "out/metrics.json")["usage"]
    assert usage["by_phase"]["validation"]["calls"] + usage["by_phase"]["training"]["calls"] == usage["calls"]
    assert usage["by_phase"]["training"]["calls"] == 40
    with running(grows) as server:
        data, held = inside.cwd / "train.jsonl", inside.cwd / "held.jsonl"
        models = ("--generator-model", "openai/x", "--reflector-model", "openai/x", "--api-base", server.url)
        places = ("--run-dir", "limited", "--validation-input", held)
        done = inside("train", "--input", data, *models, *places, "--max-calls", "10", "--concurrency", "4")
        assert done.code == 3
        assert len(server.log) == 10
        done = inside("resume", "limited", "--max-calls", "", "--output", "limited.json", "--trust")
        assert done.code == 0, done.err
        assert max(server.answered().values()) == 1


def test_the_curve_has_train_and_validation(inside: Inside) -> None:
    with running(grows) as server:
        train(inside, server)
    curve = read_json(inside.cwd / "out/metrics.json")["curve"]
    known = [point["validation_accuracy"] for point in curve]
    assert known[-1] is not None
    assert "validation" in inside("inspect", "run").out
    report = inside("inspect", "run", "--json")
    assert '"validation"' in report.out
    assert inside("export", "run", "--format", "html", "--output", "run.html").code == 0
    assert "validation" in (inside.cwd / "run.html").read_text()


@pytest.mark.parametrize(
    ("skill", "words"),
    [(grows, "the playbook was seen to help"), (harms, "the playbook was not seen to help")],
)
def test_without_validation_the_last_quarter_is_a_running_check(
    inside: Inside, skill: Callable[[int], float], words: str
) -> None:
    with running(skill) as server:
        done = train(inside, server, held=None)
    metrics = read_json(inside.cwd / "out/metrics.json")
    assert metrics["check"]["start"]["rows"] == 4
    assert metrics["check"]["end"]["rows"] == 5 - 1 + 1
    assert words.split(" was ")[0] in done.out
    assert metrics["check"]["beats_the_start"] == (skill is grows)
    if skill is harms:
        assert words in done.out
        assert "what is still wrong" in done.out


def test_only_the_first_epoch_is_checked(inside: Inside) -> None:
    with running(grows) as server:
        train(inside, server, held=None, epochs=3)
    check = read_json(inside.cwd / "out/metrics.json")["check"]
    with RunReader(inside.cwd / "run") as run:
        first = [episode.correct for episode in run.episodes() if not episode.epoch]
    assert check["end"]["correct"] == sum(first[15:])


@pytest.mark.parametrize("lookahead", [0, 2])
def test_concurrency_changes_neither_the_choice_nor_the_files(inside: Inside, lookahead: int) -> None:
    with running(spoils, delay=(0.0, 0.01)) as server:
        for concurrency in (1, 16):
            flags = {
                "run_dir": f"run-{concurrency}",
                "output": f"{concurrency}.json",
                "concurrency": concurrency,
            }
            train(
                inside,
                server,
                lookahead=lookahead,
                validate_every=2,
                metrics_output=f"{concurrency}.m.json",
                **flags,
            )
    assert (inside.cwd / "1.json").read_bytes() == (inside.cwd / "16.json").read_bytes()
    one, many = (read_json(inside.cwd / f"{n}.m.json")["validation"] for n in (1, 16))
    assert one == many
