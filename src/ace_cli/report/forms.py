"""The forms that `ace export` writes, by name, and how bullets are fitted into a number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook import formats as files
from ace_cli.playbook.filters import best_first

if TYPE_CHECKING:
    from ace_cli.report.html.model import RunReport


@dataclass(frozen=True, slots=True)
class Form:
    """One ``--format``.

    ``suffixes`` are endings of ``-o`` that stand for it; ``read_by_models`` forms are texts that a model reads, so they
    hold the general bullets beside those of a domain and are measured as they are; ``loses`` says what
    of a playbook the form has no place for.
    """

    name: str
    what: str
    suffixes: tuple[str, ...] = ()
    read_by_models: bool = False
    is_text: bool = True
    loses: str = ""


FORMS = {
    form.name: form
    for form in (
        Form("json", "the playbook file", (".json",)),
        Form("jsonl", "one bullet a line", (".jsonl", ".ndjson")),
        Form("csv", "a table for spreadsheets", (".csv",)),
        Form("parquet", "a table for data tools", (".parquet",), is_text=False),
        Form("markdown", "a document to read", (".md", ".markdown")),
        Form("prompt", "the text that the Generator reads", (".txt", ".prompt"), read_by_models=True),
        Form(
            "paper",
            "the text form of the ACE paper",
            read_by_models=True,
            loses="stages, sources, times, activations, neutral votes and line breaks",
        ),
        Form("skill", "a folder with SKILL.md", read_by_models=True),
        Form("agents-md", "a section of AGENTS.md or CLAUDE.md", read_by_models=True),
        Form("html", "one page with charts", (".html", ".htm")),
    )
}
_BY_FILE_NAME = {
    "skill.md": "skill",
    "agents.md": "agents-md",
    "claude.md": "agents-md",
    "gemini.md": "agents-md",
}


def form_of(path: Path) -> Form | None:
    """The form that a file's name stands for, if it stands for one."""
    if named := _BY_FILE_NAME.get(path.name.lower()):
        return FORMS[named]
    suffix = path.suffix.lower()
    return next((form for form in FORMS.values() if suffix in form.suffixes), None)


def render(
    form: Form, playbook: Playbook, *, name: str, description: str = "", report: RunReport | None = None
) -> bytes:
    """``playbook`` in that form.

    Args:
        form: one of :data:`FORMS`.
        playbook: just the bullets that are wanted.
        name: of the skill, and the title of the page.
        description: of the skill; "" describes its domains.
        report: the run that the page tells of.

    Raises:
        UsageError: the description is too long for a skill.
    """
    match form.name:
        case "skill":
            return files.dump_skill(playbook, name, description)
        case "html":
            from ace_cli.report.html import render_page

            return render_page(playbook, title=name, report=report)
    return _PLAIN[form.name](playbook)


_PLAIN: dict[str, Callable[[Playbook], bytes]] = {
    "json": files.dump_playbook,
    "jsonl": files.dump_jsonl,
    "csv": files.dump_csv,
    "parquet": files.dump_parquet,
    "markdown": files.dump_markdown,
    "prompt": files.dump_prompt,
    "paper": files.dump_paper,
    "agents-md": files.dump_agents_section,
}


def fit(
    bullets: Sequence[Bullet], limit: int, tokens: Callable[[Sequence[Bullet]], int]
) -> tuple[Bullet, ...]:
    """The best bullets, as many as stay within ``limit`` tokens, in the order that they have.

    Args:
        bullets: the candidates.
        limit: the most tokens.
        tokens: of the finished text of some bullets. It grows with them, so that a few
            measurements suffice: of 1, 2, 4 ... bullets, then between the last two.
    """
    ranking = sorted(range(len(bullets)), key=lambda index: best_first(bullets[index]))

    def best(count: int) -> tuple[Bullet, ...]:
        return tuple(bullets[index] for index in sorted(ranking[:count]))

    fits, probe = 0, 1
    while probe <= len(bullets) and tokens(best(probe)) <= limit:
        fits, probe = probe, probe * 2
    over = min(probe, len(bullets) + 1)
    while over - fits > 1:
        middle = (fits + over) // 2
        if tokens(best(middle)) <= limit:
            fits = middle
        else:
            over = middle
    return best(fits)
