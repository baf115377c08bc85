"""`ace export` through the command: golden outputs, filters, budgets, files that exist."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ace_cli.cli.export import app
from ace_cli.errors import AceError
from ace_cli.playbook.formats import read_playbook
from ace_cli.report.formats import FORMATS
from support.inside import Inside
from support.inspect_samples import make_run

GOLDEN = Path(__file__).parents[1] / "golden"
PLAYBOOK = GOLDEN / "playbook.json"
OUTPUTS = {
    "json": "export.json",
    "jsonl": "export.jsonl",
    "csv": "export.csv",
    "markdown": "export.md",
    "prompt": "export.txt",
    "paper": "export.paper",
    "skill": "export.skill.md",
    "agents-md": "export.agents.md",
}

HEADING = "Lessons from other questions; one about the same kind of question decides the answer:\n"


@dataclass(frozen=True)
class Outcome:
    out: bytes
    err: str
    error: AceError | None

    @property
    def text(self) -> str:
        return self.out.decode()


def export(*args: object) -> Outcome:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, AceError | SystemExit):
        raise result.exception
    error = result.exception if isinstance(result.exception, AceError) else None
    assert error is not None or result.exit_code == 0, result.stderr
    return Outcome(result.stdout_bytes, result.stderr, error)


@pytest.mark.parametrize(("form", "file"), OUTPUTS.items())
def test_each_text_format_is_written_as_agreed(form: str, file: str) -> None:
    outcome = export(PLAYBOOK, "--format", form, "--include-quarantined", "--name", "Golden Lessons")
    golden = GOLDEN / file
    if os.environ.get("ACE_UPDATE_GOLDEN"):
        golden.write_bytes(outcome.out)
    assert outcome.out == golden.read_bytes()


def test_the_help_names_every_format() -> None:
    told = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert f"{', '.join(list(FORMATS)[:-1])} or {list(FORMATS)[-1]}; by default" in told


@pytest.mark.parametrize("form", ["json", "jsonl", "paper"])
def test_what_is_written_is_read_back(form: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    export(PLAYBOOK, "-f", form, "-o", path, "--include-quarantined")
    before, after = read_playbook(PLAYBOOK), read_playbook(path)
    if form == "paper":
        assert {b.id for b in after.bullets} == {b.id for b in before.bullets}
    else:
        assert after == before


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.json", b'{\n  "version"'),
        ("a.jsonl", b'{"version"'),
        ("a.NDJSON", b'{"version"'),
        ("a.csv", b"id,content"),
        ("a.parquet", b"PAR1"),
        ("a.md", b"# Playbook"),
        ("a.txt", HEADING.encode() + b"[B001] "),
        ("SKILL.md", b"---\nname: "),
        ("CLAUDE.md", b"<!-- ace:begin"),
        ("AGENTS.md", b"<!-- ace:begin"),
        ("a.html", b"<!doctype html>"),
    ],
)
def test_the_name_of_the_file_tells_the_format(name: str, begins: bytes, tmp_path: Path) -> None:
    outcome = export(PLAYBOOK, "-o", tmp_path / name)
    assert outcome.out == b""
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert "4 of 5 bullets" in outcome.err
    assert "1 quarantined left out (--include-quarantined)" in outcome.err


@pytest.mark.parametrize(
    ("flags", "ids"),
    [
        ((), "B001 B002 B003 B005"),
        (("--include-quarantined",), "B001 B002 B003 B004 B005"),
        (("--stage", "quarantined"), "B004"),
        (("--domain", "finance"), "B002 B003"),
        (("--section", "neutral"), "B005"),
        (("--min-confidence", "0.6"), "B001 B002 B005"),
        (("--min-activations", "2"), "B001 B002"),
        (("--search", "Number"), "B002 B005"),
        (("--top", "2"), "B001 B002"),
        (("--sort", "confidence", "--limit", "1"), "B001"),
        (("--sort", "id", "--reverse"), "B005 B003 B002 B001"),
    ],
)
def test_filters_choose_the_bullets(flags: tuple[str, ...], ids: str) -> None:
    rows = json.loads(export(PLAYBOOK, "-f", "json", *flags).out)["bullets"]
    assert [row["id"] for row in rows] == ids.split()


def test_a_domains_prompt_holds_the_general_bullets_too() -> None:
    assert export(PLAYBOOK, "-f", "prompt", "--domain", "finance").text.count("\n[B") == 4
    assert "(pitfall)" in export(PLAYBOOK, "-f", "prompt", "--section", "harmful").text


@pytest.mark.parametrize("form", ["prompt", "markdown", "skill", "json"])
def test_a_token_budget_takes_the_best_and_is_kept(form: str) -> None:
    from ace_cli.llm.library import count_tokens

    budget = {"prompt": 40, "markdown": 120, "skill": 100, "json": 40}[form]
    outcome = export(PLAYBOOK, "-f", form, "--max-tokens", budget, "--model", "gpt-4o", "--name", "x")
    assert "Convert all amounts" in outcome.text  # the best one
    assert f"of {budget} tokens" in outcome.err
    if form != "json":
        assert count_tokens("gpt-4o", outcome.text) <= budget
    assert export(PLAYBOOK, "-f", form, "--max-tokens", 9000).text.count("B00") >= outcome.text.count("B00")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-f", "docx"), "--format docx is not known"),
        ((), "nothing says in which format to write"),
        (("-o", "out.xyz"), "out.xyz does not say in which format"),
        (("-f", "json", "--domain", "finanse"), "no bullet has the domain 'finanse'"),
        (("-f", "json", "--search", "nowhere"), "none of the 5 bullets passes"),
        (("-f", "prompt", "--max-tokens", "2"), "not even the best bullet fits into 2 tokens"),
        (("-f", "json", "--sort", "luck"), "cannot sort by 'luck'"),
        (("-f", "skill", "--description", "x" * 1025), "1025 characters"),
        (("-f", "json", "-o", "."), ". is a folder"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(args: tuple[str, ...], message: str) -> None:
    outcome = export(PLAYBOOK, *args)
    assert outcome.error is not None
    assert message in outcome.error.message
    assert outcome.out == b""


def test_that_there_is_no_such_playbook_is_said_before_what_else_is_missing(tmp_path: Path) -> None:
    outcome = export(tmp_path / "no.json")
    assert outcome.error is not None
    assert "no.json" in outcome.error.message


def test_an_existing_file_is_replaced_only_with_force(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("mine")
    refused = export(PLAYBOOK, "-o", path)
    assert refused.error is not None
    assert refused.error.hint == "Give --force to replace it."
    assert path.read_text() == "mine"
    export(PLAYBOOK, "-o", path, "--force")
    assert len(read_playbook(path)) == 4


def test_a_skill_is_a_folder_with_front_matter_that_yaml_reads(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    export(
        PLAYBOOK, "-f", "skill", "-o", tmp_path / "Money: Sums!", "--description", 'Use "it"\n---\nname: evil'
    )
    text = (tmp_path / "Money: Sums!" / "money-sums" / "SKILL.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front == {"name": "money-sums", "description": 'Use "it" --- name: evil'}


def test_csv_cells_are_no_formulas_and_rows_stay_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(export(PLAYBOOK, "-f", "csv").text)))
    assert [row["id"] for row in rows] == ["B001", "B002", "B003", "B005"]
    assert rows[1]["content"].startswith("'=SUM(")
    assert rows[0]["sources"] == "gsm8k-0; gsm8k-17"
    assert json.loads(rows[1]["extra"]) == {"priority": {"level": 2}}
    assert not any(cell.lstrip(" ")[:1] in set("=+-@\t\r") and cell for row in rows for cell in row.values())


def test_parquet_is_read_by_datasets(tmp_path: Path) -> None:
    import datasets

    export(PLAYBOOK, "-o", tmp_path / "a.parquet")
    rows = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "cache"))
    assert rows["id"] == ["B001", "B002", "B003", "B005"]
    assert rows[0]["sources"] == ["gsm8k-0", "gsm8k-17"]
    assert rows.features["helpful_count"].dtype == "int64"


@pytest.mark.parametrize(
    "form", ["json", "jsonl", "csv", "parquet", "markdown", "prompt", "paper", "skill", "agents-md", "html"]
)
def test_an_empty_playbook_is_written_too(form: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text('{"bullets": []}')
    outcome = export(empty, "-f", form, "-o", tmp_path / "out")
    assert "0 of 0 bullets" in outcome.err


def test_a_checkpoint_and_a_file_of_another_tool_are_exported_as_well(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text('{"skills": {"a": {"content": "x", "section": "pitfalls"}}}')
    assert export(path, "-f", "prompt").text == f"{HEADING}[a] (pitfall) x\n"
    path.write_text(
        '{"timestamp": "t", "config": {}, "metrics": {}, "playbook": [{"id": "B1", "content": "y"}]}'
    )
    assert export(path, "-f", "prompt").text == f"{HEADING}[B1] y\n"


def test_results_go_to_stdout_and_words_to_stderr(inside: Inside) -> None:
    done = inside("export", PLAYBOOK, "--format", "jsonl")
    assert done.code == 0
    assert len([json.loads(line) for line in done.out.splitlines()]) == 5
    assert done.err == "4 of 5 bullets as jsonl; 1 quarantined left out (--include-quarantined)\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"Dear diary", "is not a playbook"),
        (b'{"version": "v2.0.0", "bullets": []}', "this ace reads version 1"),
        (b'{"bullets": [{"id": "B1", "con', "is cut off at line 1"),
        (b'[{"id": "B1", "content": "x"}, {"id": "B1", "content": "y"}]', "bullet 2 has the id 'B1', as bullet 1 has"),
    ],
)  # fmt: skip
def test_what_is_no_playbook_ends_with_two_lines_and_code_2(
    inside: Inside, content: bytes, message: str
) -> None:
    (inside.cwd / "bad.json").write_bytes(content)
    done = inside("export", "bad.json", "-f", "prompt", "-o", "out.txt")
    assert done.code == 2
    first, second = done.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")
    assert not (inside.cwd / "out.txt").exists()


def test_an_existing_file_is_refused_where_nobody_can_be_asked(inside: Inside) -> None:
    (inside.cwd / "a.md").write_text("mine")
    done = inside("export", PLAYBOOK, "-o", "a.md")
    assert (done.code, (inside.cwd / "a.md").read_text()) == (2, "mine")
    assert "--force" in done.err


def test_a_folder_that_may_not_be_written_is_named(inside: Inside) -> None:
    (inside.cwd / "file").write_text("x")
    done = inside("export", PLAYBOOK, "-o", "file/a.json")
    assert done.code == 1
    assert done.err.startswith("error: cannot write ")


def test_a_run_is_exported_and_its_page_tells_its_story(inside: Inside) -> None:
    run = make_run(inside.cwd / "my_run", examples=30)
    done = inside("export", run, "-o", "run.html")
    assert done.code == 0, done.err
    page = (inside.cwd / "run.html").read_text()
    for words in (
        "<title>Playbook of gsm8k · ace",
        "First-sight accuracy",
        "Costs by role",
        "Settings",
        '"merged"',
        "Failed examples",
    ):
        assert words in page
    assert inside("export", run, "-f", "prompt").out.startswith(f"{HEADING}[B001] ")
    (inside.cwd / "empty").mkdir()
    assert inside("export", "empty", "-f", "json").code == 2


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["-o", "my-skill"], "my-skill/SKILL.md"),
        (["-o", "My_Skill"], "My_Skill/my-skill/SKILL.md"),
        (["-o", "skills", "--name", "Ticket queues"], "skills/ticket-queues/SKILL.md"),
        (["-o", "ticket-queues", "--name", "Ticket queues"], "ticket-queues/SKILL.md"),
    ],
)
def test_a_skills_folder_has_the_name_of_the_skill(inside: Inside, arguments: list[str], place: str) -> None:
    done = inside("export", PLAYBOOK, "-f", "skill", *arguments)
    assert (done.code, "name its folder" in done.err) == (0, False)
    assert f"\nname: {Path(place).parent.name}\n" in (inside.cwd / place).read_text()


def test_a_skill_with_a_file_name_of_its_own_stays_there(inside: Inside) -> None:
    done = inside("export", PLAYBOOK, "-o", "My_Skill/SKILL.md")
    assert "name its folder 'my-skill'" in done.err


def test_a_wrong_domain_is_told_with_all_that_there_are(inside: Inside) -> None:
    book = inside.cwd / "p.json"
    names = ["math", "maths", "finance", "general", "law", "sport", "tax"]
    bullets = [{"id": f"B{n}", "content": "x", "domain_id": name} for n, name in enumerate(names)]
    book.write_text(json.dumps({"bullets": bullets}))
    for command in (["export", book, "-f", "prompt"], ["inspect", book]):
        done = inside(*command, "--domain", "mat")
        assert (done.code, done.err.splitlines()) == (
            2,
            [
                "error: no bullet has the domain 'mat'",
                f"hint: Did you mean math? There is: {', '.join(sorted(names))}.",
            ],
        )


TERMINAL_CODES = "\x1b]52;c;aGk=\x07 clear\x1b[2J \x9b31m \u202ereversed\u2066 \x08bell\x7f"


@pytest.mark.parametrize("form", [*sorted(OUTPUTS.keys() - {"json", "jsonl"}), "html"])
def test_no_export_holds_codes_that_a_terminal_or_a_reader_obeys(form: str, tmp_path: Path) -> None:
    book = tmp_path / "hostile.json"
    bullet = {"id": "B001", "content": f"Round up. {TERMINAL_CODES}", "domain_id": f"d{TERMINAL_CODES}"}
    book.write_text(json.dumps({"bullets": [bullet]}))
    target = tmp_path / ("skill" if form == "skill" else f"out.{form}")
    export(book, "--format", form, "-o", target)
    written = (target / "SKILL.md" if target.is_dir() else target).read_text("utf-8")
    assert "Round up." in written
    assert not set(written) & set("\x1b\x07\x9b\u202e\u2066\x08\x7f"), form
