"""The README says what is so: its code runs, its flags and settings exist, its links lead somewhere."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ace_cli.cli.app import COMMANDS
from ace_cli.scoring import SCORERS
from ace_cli.settings import DEFINITIONS
from ace_cli.settings.layers import load
from support.command import KEY, ace, environment
from support.scripted_server import ScriptedServer

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "examples/README.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The fenced code of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def options_of(name: str) -> set[str]:
    command = importlib.import_module(f"ace_cli.cli.{name}").command
    return {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)}


def command_lines() -> Iterator[list[str]]:
    """Every `ace ...` that stands in code of any page, as words."""
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        fenced = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        indented = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
        inline = "\n".join(re.findall(r"`([^`\n]+)`", text))
        for line in "\n".join((fenced, indented, inline)).replace("\\\n", " ").splitlines():
            if line.startswith("ace ") and not line.startswith("ace --"):
                yield shlex.split(line)


def test_every_command_line_uses_flags_that_its_command_has() -> None:
    seen = 0
    for words in command_lines():
        assert words[1] in COMMANDS, words
        known = options_of(words[1])
        for word in words[2:]:
            if word.startswith("-") and word != "-":
                assert word.partition("=")[0] in known, words
        seen += 1
    assert seen > 20


def test_every_flag_that_is_named_exists() -> None:
    known = {"--no-deps", "--no-", "--help"}.union(*map(options_of, COMMANDS))
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", re.sub(r"<!--.*?-->", "", text)))
        assert named - known - {"--num"} == set(), page  # --num_examples shows the underscores


def test_every_setting_that_is_named_exists() -> None:
    paths = {definition.path for definition in DEFINITIONS.values()}
    variables = {definition.env for definition in DEFINITIONS.values()}
    sections = "|".join(sorted({path.split(".")[0] for path in paths}))
    named = set(re.findall(rf"[`\"]((?:{sections})\.[a-z_.]+)[`\"]", README))
    assert len(named) > 40
    assert named - paths == set()
    assert set(re.findall(r"ACE_[A-Z]+__[A-Z_]+", README)) - variables == set()


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_settings_shown_are_read_as_they_stand(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shown.toml").write_text(text)
    assert load({}, tmp_path / "shown.toml").origin


def test_the_options_stand_as_they_are_defined() -> None:
    renewed = runpy.run_path(str(ROOT / "docs" / "options.py"))["renewed"]
    assert renewed(README) == README, "python docs/options.py writes them anew"
    assert all(f"`{definition.path}`" in README for definition in DEFINITIONS.values())


def test_every_link_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    }
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 20
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif not link.startswith("https://"):
            assert (ROOT / link).exists(), link


def scored() -> list[tuple[str, str, str, bool]]:
    table = README.partition("<!-- judged")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[3:]]
    return [(answer, truth, scorer, said.startswith("right")) for answer, truth, scorer, said in rows]


@pytest.mark.parametrize(("answer", "truth", "scorer", "right"), scored())
def test_an_answer_is_scored_as_the_table_says(answer: str, truth: str, scorer: str, right: bool) -> None:
    assert SCORERS[scorer](answer, truth).correct is right


@pytest.fixture
def beside_a_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A folder with the examples, and the environment in which any OpenAI model is the scripted one."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    truth = {
        "What does E17 on the display mean?": "the door is open",
        "What does E21 on the display mean?": "the filter is full",
        "What does E40 on the display mean?": "the pump is dry",
    }
    for name in ("gsm8k_20.jsonl", "warehouse/train.jsonl"):
        for line in (ROOT / "examples" / name).read_text("utf-8").splitlines():
            row = json.loads(line)
            truth[row["question"]] = row["answer"]
    with ScriptedServer(truth) as server:
        yield {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url, "OPENAI_API_BASE": server.url}


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, r"\d+ of 20 right, \d+ bullets"), (1, r"batch 2: \d+% right"), (2, r"\d+\n")],
    ids=["file", "rows", "stage"],
)
def test_the_python_code_runs_as_it_stands(
    number: int,
    said: str,
    beside_a_server: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in beside_a_server.items():
        monkeypatch.setenv(name, value)
    script = tmp_path / "script.py"
    script.write_text(blocks("python")[number])
    runpy.run_path(str(script))
    assert re.search(said, capsys.readouterr().out)
    assert list(Path("playbooks").glob("*.json"))


def test_training_in_three_lines_and_what_comes_next(beside_a_server: dict[str, str], tmp_path: Path) -> None:
    after = README.partition("## Training with an API key")[2]
    lines = [line for line in after.splitlines() if line.startswith("ace ")][:4]
    for line in lines:
        done = ace(*shlex.split(line)[1:], cwd=tmp_path, env=environment(**beside_a_server))
        assert done.returncode == 0, done.stderr
    assert "[B001] " in (tmp_path / "prompt.txt").read_text()
