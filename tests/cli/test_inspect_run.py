"""`ace inspect` of runs: at a glance, one bullet's history, one example's story, live."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import support.inspect_samples as samples
from ace_cli.cli.app import run as ace
from support.inside import Inside
from support.serving import Serve


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.make_run(
        tmp_path_factory.mktemp("runs") / "hostile", examples=20, state="stopped", hostile=True
    )


def inspect(*arguments: object) -> int:
    return ace(["inspect", *map(str, arguments)])


def test_a_run_at_a_glance(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir) == 0
    shown = capsys.readouterr().out
    for part in (
        "finished",
        "60 of 60",
        "60.0 % at first sight  (36 right, 21 wrong, 3 failed)",
        "6 bullets after 6 merges",
        "generator       57  17,100",
        "Failed examples by cause (3)",
        "timeout  train-13, train-33, train-53",
        "no reply in 120 s",
        "Slowest examples",
        "3.9 s  train-23",
        "Most expensive examples",
        "train-59",
        "models.generator.model  gpt-4o",
        "--bullets",
    ):
        assert part in shown
    assert shown.count("100 %┤") == 1, "accuracy is drawn"
    assert "⣀" in shown
    assert "training.batch_size" not in shown
    assert inspect(run_dir, "--full") == 0
    assert "training.batch_size" in capsys.readouterr().out
    assert inspect(run_dir / "run.sqlite3") == 0


def test_a_run_as_json(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "--json") == 0
    view = json.loads(capsys.readouterr().out)
    assert view["state"] == "finished"
    assert view["examples"] == {"planned": 60, "done": 60, "correct": 36, "failed": 3, "accuracy": 0.6}
    assert set(view["usage"]) == {"generator", "reflector"}
    assert [point["examples_seen"] for point in view["curve"]] == [10, 20, 30, 40, 50, 60]
    assert [failed["example"] for failed in view["failures"]["timeout"]] == [
        "train-13",
        "train-33",
        "train-53",
    ]
    assert len(view["most_expensive"]) == len(view["slowest"]) == 5


def test_a_stopped_run_says_why_and_how_to_go_on(
    hostile_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect(hostile_run) == 0
    shown = capsys.readouterr().out
    assert "stopped  spent $1.00 of $1.00" in shown
    assert f"ace resume {hostile_run}" in shown


def test_the_bullets_of_a_run(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "--bullets") == 0
    assert len(capsys.readouterr().out.splitlines()) == 7
    assert inspect(run_dir, "--domain", "finance", "--json") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["B004", "B005", "B006"]


def test_the_history_of_a_bullet(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "B001") == 0
    shown = capsys.readouterr().out
    for part in (
        "batch 1  taught by train-0",
        "batch 3  merged from train-21 (similarity 0.871): Always write the units down.",
        "batch 3  cited by train-22, vote: helpful",
        "Nearest neighbours",
        "B002",
    ):
        assert part in shown
    assert inspect(run_dir, "B001", "--json") == 0
    history = json.loads(capsys.readouterr().out)["history"]
    assert [event["kind"] for event in history[:3]] == ["taught", "merged", "cited"]
    assert len(history) == 13


def test_the_story_of_an_example(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "--example", "train-21") == 0
    shown = capsys.readouterr().out
    parts = [
        "What is 21 plus 21?",
        "generator, call 1  gpt-4o",
        "You are the Generator.",
        '"final_answer"',
        "reflector, call 1  gpt-4o-mini",
        "Verdict",
        "expected '42'",
        "Reflection",
        "insight (helpful)  Always write the units down.",
        "What the curator did",
        "merged into B001 (similarity 0.871)",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places), "told in the order in which it happened"
    assert inspect(run_dir, "--example", "train-0") == 0
    assert "added B001: Write down the units" in capsys.readouterr().out
    assert inspect(run_dir, "--example", "train-3") == 0
    assert "dropped, no lesson in it: Be careful." in capsys.readouterr().out
    assert inspect(run_dir, "--example", "train-13") == 0
    assert "Failed: timeout  no reply in 120 s" in capsys.readouterr().out


def test_the_story_of_an_example_as_json(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "--example", "train-21", "--json") == 0
    story = json.loads(capsys.readouterr().out)
    assert story["example"]["answer"] == "42"
    (passage,) = story["passages"]
    assert [reply["role"] for reply in passage["replies"]] == ["generator", "reflector"]
    assert passage["replies"][0]["messages"][0] == {"role": "system", "content": "You are the Generator."}
    assert [change["kind"] for change in passage["changes"]] == ["confirm"]


def test_an_example_that_is_not_there_names_the_nearest(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect(run_dir, "--example", "trian-21") == 2
    assert "hint: Nearest: train-21" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [[], ["B001"], ["--example", "train-0"], ["--bullets"], ["--json"], ["--follow"]]
)
def test_text_of_models_is_never_obeyed(
    hostile_run: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert inspect(hostile_run, *flags) == 0
    assert not set(capsys.readouterr().out) & {"\x1b", "\x00", "\u202e", "\x9b"}


def test_follow_ends_when_the_writer_was_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = samples.make_run(tmp_path / "killed", examples=10, state="running")
    assert inspect(run_dir, "--follow") == 0
    assert "is crashed" in capsys.readouterr().err


def test_a_killed_run_is_told_as_crashed_wherever_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_dir = samples.make_run(Path("runs/killed"), examples=10, state="running")
    (run_dir / "run.pid").write_text('{"pid": 1, "host": "gone"}')  # as its writer leaves it

    def told(*arguments: object) -> str:
        assert ace(list(map(str, arguments))) == 0
        return capsys.readouterr().out

    glance = told("inspect", run_dir)
    assert "crashed  its process is gone" in glance
    assert f"ace resume {run_dir}" in glance
    assert json.loads(told("inspect", run_dir, "--json"))["state"] == "crashed"
    assert told("resume", "--list").splitlines()[1].split("\t")[1] == "crashed"
    page = told("export", run_dir, "-f", "html")
    assert "<dd>crashed</dd>" in page
    assert "The run is crashed: its process is gone" in page
    assert "running" not in page.split("<script")[0].split("</style>")[1]


def test_a_password_in_an_address_is_shown_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = {"data.dataset": "https://me:hunter2pass@example.org/rows"}
    run_dir = samples.make_run(tmp_path / "run", examples=10, settings=secret)
    for arguments in (
        ["inspect", run_dir, "--full"],
        ["inspect", run_dir, "--json"],
        ["export", run_dir, "-f", "html"],
    ):
        assert ace(list(map(str, arguments))) == 0
        shown = capsys.readouterr().out
        assert "example.org/rows" in shown
        assert "hunter2pass" not in shown


def test_follow_as_json_lines(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(run_dir, "--follow", "--json") == 0
    points = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [point["batch"] for point in points] == [0, 1, 2, 3, 4, 5]


def test_a_damaged_store_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.sqlite3").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    assert inspect(tmp_path) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_the_story_says_where_a_wrong_answer_is_the_right_one_in_another_form(
    serve: Serve, inside: Inside
) -> None:
    reply = {"reasoning": "", "bullet_ids": [], "final_answer": "$240", "insights": []}
    server, data = serve(2, reply=json.dumps(reply))
    rows = [
        {"id": "ev", "question": "Worth?", "answer": "240000"},
        {"id": "no", "question": "And?", "answer": "7"},
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert inside.train(server, data, 2).code == 0
    assert (
        "differs in form  the digits are right, the number is 1,000 times too small"
        in inside("inspect", "run", "--example", "ev").out
    )
    assert "differs in form" not in inside("inspect", "run", "--example", "no").out


def test_the_story_says_where_a_number_was_taken_whole(serve: Serve, inside: Inside) -> None:
    reply = {"reasoning": "200,000 + 40,000 = 240,000", "bullet_ids": [], "final_answer": 240, "insights": []}
    server, data = serve(1, reply=json.dumps(reply))
    data.write_text(json.dumps({"id": "sum", "question": "How much?", "answer": "240000"}) + "\n")
    assert inside.train(server, data, 1).code == 0
    shown = inside("inspect", "run", "--example", "sum").out
    assert "right  got '240000'" in shown
    assert "cut off at a thousands separator: taken whole" in shown
