"""`ace eval`: which rows it takes, what it compares, what it says, and what it refuses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import ace_cli
from ace_cli import DatasetLoader
from ace_cli.playbook import Playbook, PlaybookStage
from ace_cli.playbook.evidence import recorded_evidence
from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.reader import RunReader
from support.builders import book
from support.command import read_json
from support.inside import Inside, Outcome
from support.inspect_samples import write
from support.scripted_roles import LESSONS
from support.scripted_server import Faults, ScriptedServer
from support.serving import Serve, write_sums

USELESS = [{"id": "B001", "content": "Read the question.", "domain_id": "general"}]


def evaluate(inside: Inside, server: ScriptedServer, *arguments: object, **flags: object) -> Outcome:
    """``ace eval ARGUMENTS`` against ``server``, into the directory "eval"."""
    given = {"api_base": server.url, "generator_model": "openai/scripted", "run_dir": "eval", **flags}
    named = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    return inside("eval", *arguments, *named)


def helpful(path: Path) -> Path:
    """A playbook with every lesson that the scripted model can need."""
    rows = [{"id": f"B{n:03d}", "content": f"Always {lesson}."} for n, lesson in enumerate(LESSONS, 1)]
    return write(path, [*rows, {"id": "B099", "content": "Never mind.", "stage": "quarantined"}])


def report(done: Outcome) -> dict[str, Any]:
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_rows_of_a_run_that_were_not_used_are_the_examples(serve: Serve, inside: Inside) -> None:
    server, data = serve(50, right=0.3)
    assert inside.train(server, data, 20).code == 0
    since = len(server.log)
    found = report(evaluate(inside, server, "run", "--json"))
    assert (found["report"]["examples"], found["overlap"]) == (30, 20)
    assert {entry.question for entry in server.log[since:]} == set(range(20, 50))
    assert Counter(entry.question for entry in server.log[since:]) == dict.fromkeys(range(20, 50), 2)
    assert found["report"]["playbook"]["accuracy"]["value"] > found["report"]["base"]["accuracy"]["value"]
    assert found == read_json(inside.cwd / "eval/report.json")


def test_an_overlap_is_found_by_what_rows_say(serve: Serve, inside: Inside) -> None:
    server, data = serve(30)
    assert inside.train(server, data, 10).code == 0
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    other = [
        {**row, "id": f"new-{n}", "question": f"  {row['question'].upper()} "} for n, row in enumerate(rows)
    ]
    (inside.cwd / "other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other))
    done = evaluate(inside, server, "run", "--input", "other.jsonl", "--json")
    assert (report(done)["overlap"], report(done)["report"]["examples"]) == (10, 20)
    assert "10 rows were left out: the playbook was trained on them" in done.err


def test_rows_that_were_all_used_are_refused(serve: Serve, inside: Inside) -> None:
    server, data = serve(10)
    assert inside.train(server, data, 10).code == 0
    done = evaluate(inside, server, "run")
    assert done.code == 2
    assert "all 10 rows" in done.err
    assert "--input" in done.err
    assert not (inside.cwd / "eval").exists()


def test_a_playbook_file_knows_its_rows_by_their_hash(serve: Serve, inside: Inside) -> None:
    server, data = serve(24)
    assert inside.train(server, data, 12).code == 0
    found = report(evaluate(inside, server, "out/playbook.json", "--input", data, "--json"))
    assert (found["overlap"], found["report"]["examples"]) == (12, 12)
    assert found["model"] == "openai/scripted"


def test_where_nobody_knows_the_rows_it_is_said(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    done = evaluate(inside, server, helpful(inside.cwd / "book.json"), "--input", data)
    assert done.code == 0, done.err
    assert "trained on is not known" in done.out


def test_each_repeat_asks_again_and_the_noise_is_named(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    done = evaluate(
        inside, server, helpful(inside.cwd / "book.json"), "--input", data, "--repeats", 3, "--json"
    )
    found = report(done)
    assert len(server.log) == 6 * 2 * 3
    assert found["report"]["repeats"] == 3
    assert any("temperature is 0" in note for note in found["notes"])


def test_settings_and_prompts_are_those_of_the_training(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    folder = inside.cwd / "prompts"
    folder.mkdir()
    text = "You are the Generator, a careful clerk. Answer in JSON.\n\nHouse rules:\n$bullets\n=== user ===\n$question\n"
    (folder / "generator.txt").write_text(text)
    flags = {"prompts": folder, "scorer": "contains"}
    assert inside.train(server, data, 10, **flags).code == 0
    (folder / "generator.txt").write_text(text.replace("careful", "reckless"))
    (inside.cwd / "ace.toml").write_text(
        '[training]\nscorer = "exact"\n[models.generator]\nmodel = "openai/other"\n'
    )
    found = report(inside("eval", "run", "--json", "--run-dir", "eval"))
    assert (found["scorer"], found["model"]) == ("contains", "openai/scripted")
    with RunReader(inside.cwd / "eval") as run:
        prompts = [call.messages[0][1] for phase in run.phases() for call in run.conversation(0, phase)]
    assert len(prompts) == 2
    assert all("careful clerk" in prompt for prompt in prompts)
    assert [("House rules" in prompt) for prompt in prompts] == [False, True]


def test_failures_count_as_wrong_and_are_shown_apart(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, right=1.0, faults=Faults(rate=0.3, kinds=("content_policy",)))
    done = evaluate(inside, server, helpful(inside.cwd / "book.json"), "--input", data, "--json")
    found = report(done)["report"]
    refused = [entry for entry in server.log if entry.outcome == "content_policy"]
    assert refused
    assert found["base"]["failed"] + found["playbook"]["failed"] == len({entry.sha for entry in refused})
    for arm in (found["base"], found["playbook"]):
        assert arm["right"] + arm["failed"] == 20
        assert arm["accuracy"]["value"] == pytest.approx(arm["right"] / 20)
    assert "failed (content_policy" in done.err or "failed (" in done.err


def test_too_many_failures_stop_it_over_all_arms(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, faults=Faults(rate=1.0, kinds=("content_policy",)))
    done = evaluate(
        inside, server, helpful(inside.cwd / "book.json"), "--input", data, max_failures=3, concurrency=1
    )
    assert done.code == 1
    assert "4 of 4 examples failed" in done.err


def test_two_playbooks_are_compared(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, right=0.1)
    good, bad = helpful(inside.cwd / "good.json"), write(inside.cwd / "bad.json", USELESS)
    found = report(evaluate(inside, server, good, "--against", bad, "--input", data, "--json"))
    assert (found["against"], found["report"]["base_name"]) == (str(bad), str(bad))
    assert found["report"]["difference"]["low"] > 0
    prompts = Counter("Read the question." in str(text) for text in shown(inside.cwd / "eval"))
    assert prompts == {True: 20, False: 20}


def test_the_most_doubtful_bullets_are_left_out_in_a_third_arm(serve: Serve, inside: Inside) -> None:
    server, data = serve(20, right=0.1)
    found = report(
        evaluate(inside, server, helpful(inside.cwd / "book.json"), "--input", data, "--ablate", 4, "--json")
    )
    left = found["ablation"]["left_out"]
    assert len(left) == 4
    assert "B099" not in left
    without = [
        text
        for text in shown(inside.cwd / "eval")
        if "[B0" in text and not any(f"[{i}]" in text for i in left)
    ]
    assert len(without) == 20
    assert len(server.log) == 60
    assert any("chosen by these same rows" in note for note in found["notes"])


def shown(run_dir: Path) -> list[str]:
    """Every system message of an evaluation."""
    with RunReader(run_dir) as run:
        return [
            call.messages[0][1]
            for phase in run.phases()
            for step in range(run.example_count())
            for call in run.conversation(step, phase)
        ]


def test_rows_from_one_source_are_counted_together(serve: Serve, inside: Inside) -> None:
    server, data = serve(24)
    rows = [
        {**json.loads(line), "clerk": f"c{n % 6}"} for n, line in enumerate(data.read_text().splitlines())
    ]
    (inside.cwd / "clustered.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    book = helpful(inside.cwd / "book.json")
    found = report(
        evaluate(inside, server, book, "--input", "clustered.jsonl", "--cluster", "clerk", "--json")
    )
    assert found["report"]["clusters"] == 6
    wrong = evaluate(
        inside, server, book, "--input", "clustered.jsonl", "--cluster", "clark", run_dir="other"
    )
    assert wrong.code == 2
    assert "Perhaps --cluster clerk?" in wrong.err


def test_what_is_shown_to_help_is_promoted_with_its_evidence(serve: Serve, inside: Inside) -> None:
    server, data = serve(40, right=0.1)
    path = helpful(inside.cwd / "book.json")
    done = evaluate(inside, server, path, "--input", data, "--promote", "--min-gain", "20%", "--repeats", 2)
    assert done.code == 0, done.err
    promoted = read_playbook(path)
    stages = Counter(bullet.stage for bullet in promoted.bullets)
    assert stages == {PlaybookStage.PRODUCTION: len(LESSONS), PlaybookStage.QUARANTINED: 1}
    (evidence,) = recorded_evidence(promoted)
    assert (evidence.rows, evidence.repeats, evidence.model, evidence.min_gain) == (
        40,
        2,
        "openai/scripted",
        0.2,
    )
    assert 0.2 < evidence.low < evidence.gain <= 1
    assert promoted.extra["edits"][0]["by"] == "ace eval"
    for form in ("skill", "markdown", "html", "json", "agents-md"):
        text = inside("export", path, "--format", form).out
        assert "40 held-out examples" in text or '"rows": 40' in text, form


def test_what_is_not_shown_to_help_is_not_promoted(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    path = write(inside.cwd / "book.json", USELESS)
    before = path.read_bytes()
    done = evaluate(inside, server, path, "--input", data, "--promote")
    assert done.code == 1
    assert "not promoted" in done.err
    assert done.out, "the report is there all the same"
    assert path.read_bytes() == before


def test_a_file_that_was_changed_meanwhile_is_not_promoted(serve: Serve, inside: Inside) -> None:
    server, data = serve(30, right=0.1)
    path = helpful(inside.cwd / "book.json")
    assert evaluate(inside, server, path, "--input", data, "--promote", max_calls=10).code == 3
    edited = read_playbook(path)
    write(path, [{**bullet.to_dict(), "content": f"{bullet.content} Now."} for bullet in edited.bullets])
    before = path.read_bytes()
    done = inside("resume", "eval", "--max-calls", 1000)
    assert done.code == 1
    assert "changed since it was measured" in done.err
    assert path.read_bytes() == before


def test_the_file_of_a_run_is_promoted(serve: Serve, inside: Inside) -> None:
    server, data = serve(60, right=0.1)
    assert inside.train(server, data, 30).code == 0
    done = evaluate(inside, server, "run", "--promote")
    assert done.code == 0, done.err
    promoted = read_playbook(inside.cwd / "out/playbook.json")
    assert {bullet.stage for bullet in promoted.bullets} <= {
        PlaybookStage.PRODUCTION,
        PlaybookStage.QUARANTINED,
    }
    assert len(recorded_evidence(promoted)) == 1


def test_a_dry_run_calls_nobody_and_says_what_would_show(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    done = evaluate(
        inside, server, helpful(inside.cwd / "book.json"), "--input", data, "--dry-run", "--repeats", 2
    )
    assert done.code == 0, done.err
    assert "80 calls" in done.out
    assert "would not show with 20 examples" in done.out
    assert not server.log
    assert not (inside.cwd / "eval").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--promote"], "--promote needs a playbook"),
        (["--against", "book.json"], "--against needs a playbook"),
        (["book.json", "--ablate", "99"], "--ablate 99: the playbook has"),
        (["book.json", "--min-gain", "5"], "Five points are 5% or 0.05"),
        (["book.json", "--min-gain", "much"], "Five points are 5% or 0.05"),
        (["absent.json"], "absent.json"),
        (["book.json", "--batch-sizes", "3"], "No such option"),
        (["list.jsonl", "--promote"], "not a playbook file of ace's own form"),
    ],
)
def test_bad_usage_is_refused_before_a_run_is_made(
    arguments: list[str], said: str, serve: Serve, inside: Inside
) -> None:
    server, data = serve(5)
    helpful(inside.cwd / "book.json")
    (inside.cwd / "list.jsonl").write_text('{"id": "B1", "content": "x"}\n')
    done = evaluate(inside, server, *arguments, "--input", data)
    assert done.code == 2
    assert said in done.err
    assert not (inside.cwd / "eval").exists()
    assert not server.log


def test_a_limit_stops_it_and_resume_goes_on_to_the_same_report(serve: Serve, inside: Inside) -> None:
    server, data = serve(20)
    path = helpful(inside.cwd / "book.json")
    whole = report(evaluate(inside, server, path, "--input", data, "--json", run_dir="whole"))
    stopped = evaluate(inside, server, path, "--input", data, "--max-calls", 15)
    assert stopped.code == 3
    assert not stopped.out
    listed = inside("resume", "--list", "--runs", ".")
    assert "eval\teval\tstopped" in listed.out or "eval" in listed.out
    seen = inside("inspect", "eval")
    assert seen.code == 0, seen.err
    assert "15 of 40" in seen.out
    since = len(server.log)
    done = inside("resume", "eval", "--max-calls", 1000, "--json")
    assert timeless(report(done)) == timeless(whole)
    assert len(server.log) - since == 25
    assert report(inside("inspect", "eval", "--json"))["evaluation"] == report(done)
    again = inside("inspect", "eval", "--example", "row-3")
    assert again.code == 0
    assert "B001" in again.out


def timeless(found: dict[str, Any]) -> str:
    """A report as text, without seconds."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(inner) for name, inner in value.items() if name != "seconds"}
        return [clean(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(clean(found))


def test_an_evaluation_is_no_playbook(serve: Serve, inside: Inside) -> None:
    server, data = serve(6)
    assert evaluate(inside, server, helpful(inside.cwd / "book.json"), "--input", data).code == 0
    done = inside("eval", "eval")
    assert done.code == 2
    assert "is an evaluation" in done.err
    exported = inside("export", "eval", "--format", "json")
    assert Playbook(read_playbook(inside.cwd / "book.json").bullets).by_id.keys() > {
        row["id"] for row in json.loads(exported.out)["bullets"]
    }


def test_the_prompt_of_a_playbook_is_what_the_server_received(inside: Inside) -> None:
    data = write_sums(inside.cwd / "rows.jsonl", 4)
    both = [*book("Add up.", "Mind the units.").bullets, *book("Discount it.", domain="finance").bullets]
    path = write(inside.cwd / "book.json", [{**b.to_dict(), "id": f"B{n}"} for n, b in enumerate(both)])
    rows = [{**json.loads(line), "domain": "math"} for line in data.read_text().splitlines()]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with ScriptedServer(truth=data, keep_requests=True) as server:
        assert evaluate(inside, server, path, "--input", data).code == 0
        received = [request["messages"][0]["content"] for request in server.requests]
    text = read_playbook(path).prompt(question=rows[0]["question"], domain="math")
    assert "Mind the units." in text
    assert "Discount it." not in text
    assert sum(message.endswith(text) for message in received) == 4
    assert inside("export", path, "--format", "prompt", "--domain", "math").out == f"{text}\n"
    everything = inside("export", path, "--format", "prompt").out
    assert text in everything
    assert "For questions of the domain finance:" in everything


def test_of_a_playbook_that_is_too_large_the_question_chooses(inside: Inside) -> None:
    large = book(
        *(f"The warehouse code for {city} is {n}." for n, city in enumerate(("Oslo", "Turin", "Porto")))
    )
    text = large.prompt(question="What is the code for Turin?", domain="math", max_bullets=1)
    assert "Turin" in text
    assert "Oslo" not in text
    with pytest.raises(Exception, match="more than a prompt gets"):
        large.prompt(domain="math", max_bullets=1)


def test_without_a_playbook_it_is_the_baseline_with_its_head_room(serve: Serve, inside: Inside) -> None:
    server, data = serve(60, right=0.4)
    found = report(evaluate(inside, server, "--input", data, "--json"))
    assert len(server.log) == 40
    assert found["report"] is None
    assert found["baseline"]["examples"] == 40
    assert 0.1 < found["baseline"]["base"]["accuracy"]["value"] < 0.7
    assert found["baseline"]["words"]
    seen = inside("inspect", "eval")
    assert seen.code == 0, seen.err
    assert found["baseline"]["words"][0].split()[0] in seen.out


def test_python_gives_the_same_report(serve: Serve, inside: Inside) -> None:
    server, data = serve(12, right=0.1)
    path = helpful(inside.cwd / "book.json")
    rows = DatasetLoader("custom").load_from_json(data)
    found = ace_cli.evaluate(
        read_playbook(path), rows, generator_model="openai/scripted", api_base=server.url, run_dir="python"
    )
    told = report(evaluate(inside, server, path, "--input", data, "--json"))
    assert found.is_shown_to_help
    assert found.examples == 12
    assert found.difference.low == told["report"]["difference"]["low"]
    assert len(server.log) == 48


def test_what_an_evaluation_says_of_bullets_is_shown_and_filters(serve: Serve, inside: Inside) -> None:
    server, data = serve(30, right=0.2)
    path = helpful(inside.cwd / "book.json")
    found = report(evaluate(inside, server, path, "--input", data, "--json", "--html", "page.html"))
    assert "Does it help?" in (inside.cwd / "page.html").read_text()
    effects = {effect["bullet_id"]: effect for effect in found["report"]["bullets"]}
    assert effects.keys() == {f"B{n:03d}" for n in range(1, len(LESSONS) + 1)}
    told = inside("inspect", path, "--evidence", "eval", "--json")
    assert {row["id"]: row["effect"] for row in json.loads(told.out)} == effects
    assert "Always" in inside("inspect", path, "--evidence", "eval").out
    doubts = sorted(effect["doubt"] for effect in effects.values())
    most = doubts[len(doubts) // 2]
    kept = inside("export", path, "-f", "json", "--evidence", "eval", "--max-doubt", most)
    assert {row["id"] for row in json.loads(kept.out)["bullets"]} == {
        bullet_id for bullet_id, effect in effects.items() if effect["doubt"] <= most
    }
    assert inside("inspect", path, "--evidence", path).code == 2
