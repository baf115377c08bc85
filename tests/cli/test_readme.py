"""README and docs/ say what is so: their code runs, their flags, settings and files exist, their links lead somewhere."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer

from ace_cli.cli.app import COMMANDS, module_of
from ace_cli.llm.base import PromptStyle
from ace_cli.playbook import Bullet
from ace_cli.playbook.formats import read_playbook
from ace_cli.runs.migrations import migrate
from ace_cli.scoring import SCORERS
from ace_cli.settings import DEFINITIONS
from ace_cli.settings.layers import load
from ace_cli.stages.base import Task
from ace_cli.stages.generator import DefaultGenerator
from ace_cli.stages.prompts import load_prompts
from support.ask import ScriptedAsk
from support.command import read_json
from support.inside import Inside
from support.scripted_server import ScriptedServer
from support.serving import Serve

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for folder in (".", "docs", "examples", "benchmarks")
    for path in sorted((ROOT / folder).glob("*.md"))
}
README = PAGES["README.md"]
OTHERS_FLAGS = {
    *("--no-", "--help", "--version", "--install-completion", "--no-deps", "--num", "--folder"),
    *("--repo-type", "--private"),
    *("--head", "--address", "--working-dir", "--runtime-env-json"),
}
"""Of pip, of all commands or none, what is left of ``--num_examples``, and of a benchmark; of `hf`; of `ray`."""


def blocks(page: str, language: str) -> list[str]:
    """The fenced code of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


def section(page: str, title: str) -> str:
    found = PAGES[page].partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, f"{page} has no section {title}"
    return found


def options_of(name: str) -> set[str]:
    command = typer.main.get_command(module_of(name).app)
    commands = [command, *getattr(command, "commands", {}).values()]
    params = [parameter for each in commands for parameter in each.params]
    return {word for parameter in params for word in (*parameter.opts, *parameter.secondary_opts)}


def commands_in(text: str) -> Iterator[list[str]]:
    """Every `ace ...` that stands in code, as words."""
    fenced = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    indented = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    inline = "\n".join(re.findall(r"`([^`\n]+)`", text))
    for line in "\n".join((fenced, indented, inline)).replace("\\\n", " ").splitlines():
        if line.startswith("ace ") and not line.startswith("ace --"):
            yield shlex.split(line)


def test_every_command_line_uses_flags_that_its_command_has() -> None:
    lines = [words for text in PAGES.values() for words in commands_in(text)]
    for words in lines:
        assert words[1] in COMMANDS, words
        known = options_of(words[1])
        for word in words[2:]:
            if word.startswith("-") and word != "-":
                assert word.partition("=")[0] in known, words
    assert len(lines) > 30
    assert {words[1] for words in commands_in(README)} == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_every_flag_that_is_named_exists(page: str) -> None:
    known = OTHERS_FLAGS.union(*map(options_of, COMMANDS))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub(r"<!--.*?-->", "", PAGES[page])))
    assert named - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    variables = {definition.env for definition in DEFINITIONS.values()}
    sections = "|".join(sorted({path.split(".")[0] for path in DEFINITIONS}))
    named = set(re.findall(rf"[`\"]((?:{sections})\.[a-z_.]+)[`\"]", PAGES[page]))
    assert named - set(DEFINITIONS) == set()
    assert set(re.findall(r"ACE_[A-Z]+__[A-Z_]+", PAGES[page])) - variables == set()


@pytest.mark.parametrize(
    ("page", "number"), [(page, number) for page in PAGES for number, _ in enumerate(blocks(page, "toml"))]
)
def test_the_settings_shown_are_read_as_they_stand(
    page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shown.toml").write_text(blocks(page, "toml")[number])
    assert load({}, tmp_path / "shown.toml").origin


def test_the_page_of_settings_is_made_of_the_definitions() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "options.py"))["page"]
    assert PAGES["docs/options.md"] == page(), "python docs/options.py writes it anew"
    assert all(f"`{path}`" in PAGES["docs/options.md"] for path in DEFINITIONS)


def headings(text: str) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target.read_text("utf-8")), link


def test_the_readme_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", README))
    assert linked == {page for page in PAGES if page.startswith("docs/")}


def test_what_make_is_asked_for_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for text in PAGES.values()
        for word in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"quickstart", "test"} <= named <= targets


@pytest.mark.parametrize(
    ("folder", "files"), [("benchmarks", "bench_*.py"), ("examples", "*.*l"), ("examples", "*.py")]
)
def test_a_folder_is_told_whole(folder: str, files: str) -> None:
    there = {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder).rglob(files)}
    told = set(re.findall(r"^\| `([^`]+)`", PAGES[f"{folder}/README.md"], re.MULTILINE))
    assert there
    assert there - told == set()


def test_modules_that_are_to_be_run_exist() -> None:
    modules = re.findall(r"python -m ((?:benchmarks|ace_cli)[\w.]*)", "\n".join(PAGES.values()))
    assert modules
    for module in modules:
        path = module.replace(".", "/")
        places = (ROOT / f"{path}.py", ROOT / "src" / f"{path}.py", ROOT / "src" / path / "__main__.py")
        assert any(place.exists() for place in places), module


def test_the_bullet_and_the_playbook_that_are_shown_can_be_read(tmp_path: Path) -> None:
    (shown,) = blocks("README.md", "json")
    (whole,) = blocks("docs/export.md", "json")
    file = tmp_path / "playbook.json"
    file.write_text(whole)
    assert read_playbook(file).bullets == (Bullet.from_dict(json.loads(shown)),)


def test_the_architecture_names_what_there_is() -> None:
    page = PAGES["docs/architecture.md"]
    source = ROOT / "src" / "ace_cli"
    code = "\n".join(path.read_text("utf-8") for path in source.rglob("*.py"))
    for path in re.findall(r"`((?:[\w-]+/)+[\w.]*|\w+\.py)`", page):
        assert any((folder / path).exists() for folder in (source, ROOT)), path
    for name in re.findall(r"`([A-Z]\w*[a-z]\w*|[A-Z]{4,})`", page):
        assert re.search(rf"^(class {name}\b|{name} = )", code, re.MULTILINE), name
    for name in re.findall(r"`(\w+)\(\)`", page):
        assert re.search(rf"\bdef {name}\(", code), name


def test_the_architecture_names_every_room_and_every_table_of_the_store() -> None:
    page = PAGES["docs/architecture.md"]
    rooms = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "src" / "ace_cli").iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("_")
    }
    assert rooms - set(re.findall(r"`([\w.]+/?)`", page)) == set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    shown = section("docs/architecture.md", "What is in the store, and why a kill loses nothing")
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", shown, re.MULTILINE)))
    assert set(named) == tables


def test_the_messages_to_look_up_are_those_that_are_said() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    tables = re.findall(r"^\|([^|]*)\|", PAGES["docs/troubleshooting.md"], re.MULTILINE)
    messages = [message for cell in tables for message in re.findall(r"`([^`]+)`", cell)]
    for message in messages:
        assert all(part in code for part in message.split("...")), message
    assert len(messages) > 15


def test_the_prompt_that_is_shown_is_the_one_that_is_sent() -> None:
    _, shown = blocks("README.md", "text")
    bullets = tuple(Bullet(*found) for found in re.findall(r"\[(B\d+)\] (.+)", shown))
    ask = ScriptedAsk("The warehouse code for Oslo is RV-72.", style=PromptStyle.PLAIN)
    task = Task("oslo-2", "I forgot the warehouse code for Oslo. What is it?", bullets=bullets)
    attempt = asyncio.run(DefaultGenerator(load_prompts()).generate(task, ask))
    assert ask.prompt in re.sub(r"^( {4}|  user\n)", "", shown, flags=re.MULTILINE)
    assert attempt.bullet_ids == ("B001",)


def test_the_changelog_has_each_kind_of_change_once_a_version_in_the_usual_order() -> None:
    usual = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in PAGES["CHANGELOG.md"].split("\n## ")[1:]:
        kinds = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert kinds == [kind for kind in usual if kind in kinds], version.partition("\n")[0]


def scored() -> list[tuple[str, str, str, bool]]:
    table = PAGES["docs/scorers.md"].partition("<!-- judged")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[3:]]
    return [(answer, truth, scorer, said.startswith("right")) for answer, truth, scorer, said in rows]


@pytest.mark.parametrize(("answer", "truth", "scorer", "right"), scored())
def test_an_answer_is_scored_as_the_table_says(answer: str, truth: str, scorer: str, right: bool) -> None:
    assert SCORERS[scorer](answer, truth).correct is right


@pytest.fixture
def beside_a_server(inside: Inside) -> Iterator[Inside]:
    """`ace` in a folder with the examples, where any OpenAI model is the scripted one."""
    shutil.copytree(ROOT / "examples", inside.cwd / "examples")
    truth = {
        "What does E17 on the display mean?": "the door is open",
        "What does E21 on the display mean?": "the filter is full",
        "What does E40 on the display mean?": "the pump is dry",
    }
    rows = [line for name in ("gsm8k_20", "warehouse/train") for line in example_lines(name)]
    for line in [*rows, *"".join(blocks("README.md", "jsonl")).splitlines()]:
        row = json.loads(line)
        truth[row["question"]] = row["answer"]
    with ScriptedServer(truth) as server:
        inside.set(OPENAI_BASE_URL=server.url, OPENAI_API_BASE=server.url)
        yield inside


def example_lines(name: str) -> list[str]:
    return (ROOT / "examples" / f"{name}.jsonl").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, r"\d+ of 20 right, \d+ bullets"),
        (1, r"batch 2: \d+% right"),
        (3, r"You know these facts:\n\[B001\] The warehouse code for Oslo is RV-72\.\n"),
    ],
    ids=["file", "rows", "use"],
)
def test_the_python_code_runs_as_it_stands(
    number: int, said: str, beside_a_server: Inside, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = beside_a_server.cwd / "playbooks"
    folder.mkdir()
    (folder / "gsm8k.json").write_text(blocks("docs/export.md", "json")[0])
    script = beside_a_server.cwd / "script.py"
    script.write_text(blocks("docs/python.md", "python")[number])
    runpy.run_path(str(script))
    assert re.search(said, capsys.readouterr().out)


def test_a_newcomer_gets_a_prompt_out_of_rows_of_his_own(beside_a_server: Inside) -> None:
    steps = section("README.md", "Your own rows")
    (beside_a_server.cwd / "rows.jsonl").write_text("".join(blocks("README.md", "jsonl")))
    lines = [line for line in steps.splitlines() if line.startswith("ace ") and "--tui" not in line]
    for line in lines:
        done = beside_a_server(*shlex.split(line)[1:])
        assert done.code == 0, done.err
    assert [line.split()[1] for line in lines] == ["train", "train", "inspect", "export"]
    assert "[B001] " in (beside_a_server.cwd / "prompt.txt").read_text()


def test_the_results_that_are_shown_have_the_fields_of_real_ones(inside: Inside, serve: Serve) -> None:
    server, data = serve(20)
    done = inside.train(server, data, 20, batch_size=4)
    assert done.code == 0
    summary = blocks("README.md", "text")[0]
    assert [line.split()[0] for line in summary.splitlines()] == [
        line.split()[0] for line in done.out.splitlines()
    ]
    (shown,) = blocks("docs/resume.md", "json")
    assert _fields(json.loads(shown)) == _fields(read_json(inside.cwd / "out/metrics.json"))


def _fields(metrics: dict[str, Any]) -> dict[str, list[str]]:
    tables = {name: table[0] if isinstance(table, list) else table for name, table in metrics.items()}
    return {name: list(table) for name, table in tables.items()}


def test_the_readme_measures_with_the_playbook_and_without(beside_a_server: Inside) -> None:
    rows = [json.loads(line) for line in example_lines("warehouse/train")[:12]]
    bullets = [
        {"id": f"B{n:03}", "content": f"{row['question']} {row['answer']}"} for n, row in enumerate(rows, 1)
    ]
    (beside_a_server.cwd / "playbooks").mkdir()
    (beside_a_server.cwd / "playbooks/quickstart.json").write_text(json.dumps({"bullets": bullets}))
    words = next(words for words in commands_in(section("README.md", "Does it help?")) if len(words) > 2)
    done = beside_a_server(*words[1:], "--generator-model", "gpt-4o-mini", "--dry-run")
    assert done.code == 0, done.err
    assert "no playbook, playbooks/quickstart.json" in done.out
    assert "24 calls" in done.out
