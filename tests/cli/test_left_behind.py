"""What never became a run leaves nothing behind, not even an empty folder."""

from __future__ import annotations

import pytest

from support.inside import Inside

ROWS = '{"question": "q", "answer": "a"}\n'


@pytest.mark.parametrize(
    "flags",
    [["--question-field", "nope"], ["--run-dir", "deep/er/run", "--answer-field", "nope"]],
)
def test_a_run_that_cannot_begin_leaves_no_folder(inside: Inside, flags: list[str]) -> None:
    (inside.cwd / "rows.jsonl").write_text(ROWS)
    done = inside("train", "--input", "rows.jsonl", *flags)
    assert done.code == 2
    assert not {"runs", "deep"} & {path.name for path in inside.cwd.iterdir()}


def test_a_folder_that_was_there_stays(inside: Inside) -> None:
    (inside.cwd / "rows.jsonl").write_text(ROWS)
    (inside.cwd / "runs").mkdir()
    assert inside("train", "--input", "rows.jsonl", "--question-field", "nope").code == 2
    assert (inside.cwd / "runs").is_dir()
