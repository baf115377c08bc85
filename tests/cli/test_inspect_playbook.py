"""`ace inspect` of playbook files: the table, one bullet, the difference, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import support.inspect_samples as samples
from ace_cli.cli.app import run


def inspect(*arguments: object) -> int:
    return run(["inspect", *map(str, arguments)])


def ids(text: str) -> list[str]:
    return [line.split("\t")[0] for line in text.splitlines()[1:]]


def test_into_a_pipe_every_bullet_is_one_whole_line(
    playbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect(playbook) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split("\t")[:4] == ["id", "section", "domain", "stage"]
    assert [line.split("\t")[-1] for line in lines] == [lesson[0] for lesson in samples.LESSONS]
    assert all(line.count("\t") == header.count("\t") for line in lines)


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--domain", "general"], ["B008", "B012"]),
        (["--section", "harmful"], ["B003", "B010"]),
        (["--stage", "quarantined"], ["B007"]),
        (["--min-confidence", "0.92"], ["B004", "B012"]),
        (["--min-activations", "15"], ["B001", "B008", "B012"]),
        (["--search", "RATIO current"], ["B004"]),
        (["--sort", "best", "--limit", "2"], ["B012", "B004"]),
        (["--sort", "id", "--reverse", "--limit", "1"], ["B012"]),
        (["--similar", "how to discount cash flows", "--limit", "1"], ["B009"]),
        (["--similar", "anything", "--sort", "id", "--limit", "2"], ["B001", "B002"]),
        (["--search", "nowhere"], []),
    ],
)
def test_filters(
    playbook: Path, capsys: pytest.CaptureFixture[str], flags: list[str], found: list[str]
) -> None:
    assert inspect(playbook, *flags) == 0
    assert ids(capsys.readouterr().out) == found
    assert inspect(playbook, "--json", *flags) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == found


def test_similarity_is_told(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wording = samples.LESSONS[3][0]
    assert inspect(playbook, "--similar", wording, "--json") == 0
    first, second, *_ = json.loads(capsys.readouterr().out)
    assert (first["id"], first["similarity"]) == ("B004", pytest.approx(1.0))
    assert second["similarity"] < 0.99


HOSTILE_VIEWS = [[], ["B001"], ["--json"], ["--similar", "red"], ["--full"], ["--diff", "SELF"]]


@pytest.mark.parametrize("flags", HOSTILE_VIEWS)
def test_text_of_others_is_never_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    hostile = {
        "id": "B001",
        "content": samples.HOSTILE,
        "domain_id": samples.HOSTILE,
        "sources": [samples.HOSTILE],
    }
    path = samples.write(
        tmp_path / "p.json", [{**hostile, "note": samples.HOSTILE}], edits=[{"id": "B001", "by": "\x1b"}]
    )
    other = samples.write(tmp_path / "q.json", [{**hostile, "content": samples.HOSTILE + "!"}])
    assert inspect(path, *(str(other) if flag == "SELF" else flag for flag in flags)) == 0
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\x00", "\u202e", "\x9b"}
    assert "[bold]loud[/bold]" in shown
    assert "u202e" in shown


def test_one_bullet_with_what_the_file_knows(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect(playbook, "B004") == 0
    shown = capsys.readouterr().out
    for part in (
        samples.LESSONS[3][0],
        "11 helpful, 0 harmful",
        "train-28, train-44",
        "Nearest neighbours",
        "B005",
    ):
        assert part in shown
    assert "ace inspect RUN B004" in shown, "says where the rest of its history is"
    assert inspect(playbook, "B004", "--json") == 0
    story = json.loads(capsys.readouterr().out)
    assert story["bullet"]["id"] == "B004"
    assert all(-1 <= near["similarity"] <= 1 for near in story["neighbours"])


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("B13", "B012"), ("B0013", "B012"), ("nonsense", "B001")],
)
def test_an_id_that_is_not_there_names_the_nearest(
    playbook: Path, capsys: pytest.CaptureFixture[str], wanted: str, nearest: str
) -> None:
    assert inspect(playbook, wanted) == 2
    message = capsys.readouterr().err
    assert f"no bullet '{wanted}'" in message
    assert message.splitlines()[1].startswith(f"hint: Nearest: {nearest}")


@pytest.mark.parametrize(
    ("wanted", "meant"), [("b4", "B004"), ("B0005", "B005"), ("B12", "B012"), ("b12", "B012")]
)
def test_an_id_is_found_whatever_its_zeros_and_its_case(
    playbook: Path, capsys: pytest.CaptureFixture[str], wanted: str, meant: str
) -> None:
    assert inspect(playbook, wanted, "--json") == 0
    assert json.loads(capsys.readouterr().out)["bullet"]["id"] == meant


def test_the_difference_of_two_playbooks(
    playbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = samples.rows()
    rows[0] |= {"helpful_count": 16, "activation_count": 17, "sources": ["train-7", "train-11", "train-500"]}
    rows[1]["content"] = "Multiply a reduced price by one minus the rate."
    rows[2]["stage"] = "production"
    rows[3]["updated_at"] = "2027-01-01T00:00:00Z"
    del rows[5]
    rows.append({"id": "B013", "content": "Check the sign of the result."})
    other = samples.write(tmp_path / "other.json", rows)

    assert inspect(playbook, "--diff", other) == 0
    shown = capsys.readouterr().out
    for part in (
        "1 added, 1 removed, 3 changed, 8 unchanged",
        "+ B013",
        "- B006",
        "~ B001  helpful votes 14 -> 16 (+2); activations 15 -> 17 (+2); also taught by train-500",
        "    - When a price drops",
        "    + Multiply a reduced price",
        "stage shadow -> production",
    ):
        assert part in shown

    assert inspect(playbook, "--diff", other, "--json") == 0
    difference = json.loads(capsys.readouterr().out)
    assert [b["id"] for b in difference["added"]] == ["B013"]
    assert [b["id"] for b in difference["removed"]] == ["B006"]
    assert {c["id"]: set(c["fields"]) for c in difference["changed"]} == {
        "B001": {"helpful_count", "activation_count", "sources"},
        "B002": {"content"},
        "B003": {"stage"},
    }
    assert inspect(playbook, "--diff", playbook) == 0
    assert "0 added, 0 removed, 0 changed, 12 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (b'{"bullets": [{"id": "B1", "content": "x"}, {"id": "B1", "content": "y"}]}', [], "B1"),
        (b'{"version": "v9.0.0", "bullets": []}', [], "v9.0.0"),
        (b'{"bullets": [{"id": "B1", "con', [], "p.json"),
        (b"", [], "p.json"),
        (b"\x89PNG\r\n", [], "p.json"),
        (b'{"bullets": []}', ["B001"], "no bullet 'B001'"),
        (b'{"bullets": []}', ["--sort", "beauty"], "'beauty'"),
        (b'{"bullets": []}', ["--min-confidence", "7"], "7.0"),
        (b'{"bullets": []}', ["--limit", "-1"], "-1"),
        (b'{"bullets": []}', ["--stage", "retired"], "retired"),
        (b'{"bullets": []}', ["--example", "x"], "needs a run"),
        (b'{"bullets": []}', ["--follow"], "needs a run"),
        (b'{"bullets": []}', ["B001", "--domain", "math"], "cannot be combined"),
        (b'{"bullets": []}', ["--tui"], "needs a terminal"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, arguments: list[str], message: str
) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    assert inspect(path, *arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert message in streams.err
    assert len(streams.err.splitlines()) <= 2


def test_a_missing_file_and_a_folder_that_is_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect(tmp_path / "nowhere.json") == 2
    assert inspect(tmp_path) == 2
    assert "is a folder, but not of a run" in capsys.readouterr().err


def test_an_empty_playbook_is_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = samples.write(tmp_path / "p.json", [])
    assert inspect(path) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert inspect(path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
