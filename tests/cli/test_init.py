"""`ace init`: from a look at somebody's rows to a settings file that `ace train` takes as it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ace_cli.cli.app import run as ace
from ace_cli.data.look import look_at
from ace_cli.data.reader import read_examples
from ace_cli.engine.dataset import dataset_spec
from ace_cli.errors import AceError
from ace_cli.report.init_file import Chosen, init_lines
from ace_cli.report.text import printable
from ace_cli.settings.layers import load
from support.fuzzing import fewer, fuzzed
from support.inside import Inside
from support.serving import Serve
from support.terminal import at_terminal, needs_terminal

ROOT = Path(__file__).parents[2]


def written(inside: Inside) -> dict[str, dict[str, object]]:
    return tomllib.loads((inside.cwd / "ace.toml").read_text("utf-8"))


def test_from_a_csv_of_ones_own_to_a_playbook_in_two_commands(inside: Inside, serve: Serve) -> None:
    server, _ = serve(1)
    rows = [f"{n},What is {n} plus {n}?,{2 * n},{'even' if n % 2 == 0 else 'odd'}" for n in range(12)]
    (inside.cwd / "sums.csv").write_text("no,Prompt,Label,Topic\n" + "\n".join(rows) + "\n")
    done = inside("init", "sums.csv", "--model", "openai/scripted", "--api-base", server.url)
    assert (done.code, done.err) == (0, "")
    assert "question   Prompt" in done.out
    text = (inside.cwd / "ace.toml").read_text()
    assert written(inside)["data"] == {
        "dataset": "custom", "input": "sums.csv", "num_examples": 0, "question_field": "Prompt", "answer_field": "Label", "domain_field": "Topic",
    }  # fmt: skip
    assert "2 domains: even (6), odd (6)" in text
    assert 'scorer = "numeric"  # every answer is a number' in text
    assert "# not used: no" in text
    trained = inside("train")
    assert trained.code == 0, trained.err
    assert "of 12 examples" in trained.out
    assert (inside.cwd / "playbooks/sums.json").is_file()


@pytest.mark.parametrize(
    ("name", "content", "question", "answer", "scorer"),
    [
        ("a.jsonl", '{"question": "q", "answer": "B"}\n{"question": "r", "answer": "(a)"}\n', "question", "answer", "choice"),
        ("b.json", '[{"Frage": "a long text", "Antwort": "x", "n": 1}]', "Frage", "n", "numeric"),
        ("c.tsv", "input\toutput\nwhat?\tthat\n", "input", "output", "auto"),
        ("d.jsonl", '{"context": "c", "target": "t"}\n', "context", "target", "auto"),
        ("e.jsonl", '{"q": {"text": "what is it?"}, "answers": {"text": ["a"]}}\n', "q.text", None, None),
    ],
)  # fmt: skip
def test_fields_and_scorer_are_found(
    inside: Inside, name: str, content: str, question: str, answer: str | None, scorer: str | None
) -> None:
    (inside.cwd / name).write_text(content)
    done = inside("init", name)
    if answer is None:
        assert done.code == 2
        assert "--answer-field" in done.err
        return
    assert done.code == 0, done.err
    look = look_at(Path(name))
    assert (look.fields["question"], look.fields["answer"], look.scorer) == (question, answer, scorer)
    assert len(list(read_examples(dataset_spec(load({}).settings.data, 0)))) == look.rows


def test_all_columns_of_a_parquet_file_are_looked_at(inside: Inside) -> None:
    pq.write_table(
        pa.table({"question": ["a", "b"], "answer": ["1", "2"], "topic": ["x", "y"]}), "rows.parquet"
    )
    assert inside("init").code == 0
    assert written(inside)["data"]["domain_field"] == "topic"


def test_many_rows_and_bad_ones_are_told(inside: Inside) -> None:
    rows = [{"question": f"q{n}", "answer": "a" if n % 100 else ""} for n in range(300)]
    (inside.cwd / "many.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = inside("init")
    assert "300 rows, 3 of them bad" in done.out
    data = written(inside)["data"]
    assert (data["num_examples"], data["skip_invalid"]) == (200, True)
    assert "the first of 297; 0 takes all" in (inside.cwd / "ace.toml").read_text()


def test_a_file_that_is_there_is_left_as_it_is_without_a_word(inside: Inside) -> None:
    (inside.cwd / "r.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    (inside.cwd / "ace.toml").write_text("# mine\n")
    done = inside("init")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: ace.toml exists, and is left as it is")
    assert (inside.cwd / "ace.toml").read_text() == "# mine\n"
    assert inside("init", "--output", "other.toml").code == 0
    assert inside("train", "--config", "other.toml", "--show-config").code == 0
    assert inside("init", "--force").code == 0
    assert written(inside)


@needs_terminal
@pytest.mark.parametrize(("answer", "replaced"), [("y\r", True), ("\r", False)])
def test_at_a_terminal_the_user_is_asked(inside: Inside, answer: str, replaced: bool) -> None:
    (inside.cwd / "r.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    (inside.cwd / "ace.toml").write_text("# mine\n")
    at_terminal("init", keys=[("Replace ace.toml?", answer)])
    assert ((inside.cwd / "ace.toml").read_text() != "# mine\n") is replaced


def test_without_a_name_the_one_data_file_is_meant(inside: Inside) -> None:
    assert inside("init").err.splitlines()[0] == "error: there is no data file here"
    for name in ("a.csv", "b.csv"):
        (inside.cwd / name).write_text("question,answer\nq,a\n")
    assert inside("init").err.splitlines()[0] == "error: 2 data files are here"
    assert not (inside.cwd / "ace.toml").exists()


def test_an_address_of_ones_own_needs_no_second_word(inside: Inside) -> None:
    (inside.cwd / "r.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    server = ("--api-base", "http://gateway.example/v1")
    assert inside("init", *server, "--model", "openai/x").code == 0
    assert "host http://gateway.example" in (inside.user_file.parent / "trusted").read_text()
    assert inside("init", "--api-base", "http://[::1", "--force").code == 2


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.jsonl")), ids=lambda path: path.stem)
def test_our_own_examples_are_understood(inside: Inside, path: Path) -> None:
    done = inside("init", path, "--model", "openai/scripted")
    assert done.code == 0, done.err
    assert "a guess" not in done.out
    assert inside("train", "--dry-run").code == 0


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["", " ", "A", "1,080", "\u202e\x1b[2J", "\ud800", "x" * 300, '"""'])  # fmt: skip
keys = st.sampled_from(["question", "Answer", "label", "input", "domain", "id", "context", "a.b", "", "\n", '"', "\u202e", "answers"]) | st.text(max_size=4)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
tables = st.lists(st.dictionaries(keys, values, max_size=5) | values, max_size=5)


@fuzzed
@given(tables)
@example([{"question": "q", "answer": "\ud800", "domain": "\u202e\n# x"}] * 3)
def test_fuzz_whatever_rows_hold_the_file_is_valid(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object]
) -> None:
    """An error of ours, or a file that is read as it stands and gives the examples that were counted."""
    data = FOLDER.setdefault("it", tmp_path_factory.mktemp("init")) / "rows.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    try:
        look = look_at(data)
    except AceError:
        return
    text = "\n".join(init_lines(look, Chosen()))
    assert printable(text, keep_lines=True) == text
    config = data.with_name("x.toml")
    config.write_text(text, "utf-8")
    spec = dataset_spec(load({}, config, data.parent).settings.data, 0)
    assert len(list(read_examples(spec))) == look.rows - look.bad


FOLDER: dict[str, Path] = {}


@fewer(2)
@given(st.sampled_from([".csv", ".tsv", ".json", ".jsonl", ".parquet", ".jsonl.gz"]), st.binary(max_size=80))
def test_fuzz_files_that_are_no_data(
    tmp_path_factory: pytest.TempPathFactory, end: str, content: bytes
) -> None:
    data = FOLDER.setdefault("it", tmp_path_factory.mktemp("init")) / f"rows{end}"
    data.write_bytes(content)
    assert ace(["init", str(data), "-o", str(data.with_name("y.toml")), "--force"]) in (0, 2)
