"""The formats that `ace export` writes. Each renders itself, and knows where it goes and what it loses."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ace_cli.errors import UsageError
from ace_cli.files import cannot_write, write_atomic
from ace_cli.playbook import GENERAL, Playbook
from ace_cli.playbook.formats import ace_json, card, markdown, paper, tables
from ace_cli.text import visible_line

if TYPE_CHECKING:
    from ace_cli.runs.reader import RunReader

MayReplace = Callable[..., object] | None
"""Called with the files that would be replaced; raises if they must not be. None: they may be."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is exported: a playbook with just the bullets that are wanted, and the run that they come from.

    ``title`` is that of a page and the name of a skill; a skill's ``description`` is of its domains by default.
    """

    playbook: Playbook
    title: str
    description: str = ""
    run: RunReader | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One ``--format``, which goes into a file of its own.

    ``dump`` makes the file out of the playbook alone; a format that needs more has a ``render`` of its own. ``suffixes`` and
    ``file_names`` are ends and names of ``-o`` that stand for it. Formats ``for_models`` are texts that a model reads, so
    they hold the general bullets beside those of a domain and are measured as they are; ``loses`` says what of a playbook
    there is no place for.
    """

    name: str
    dump: Callable[[Playbook], bytes] = ace_json.dump_playbook
    suffixes: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    for_models: bool = False
    is_text: bool = True
    is_folder: bool = False
    loses: str = ""

    def render(self, content: Content) -> bytes:
        """The finished file."""
        return self.dump(content.playbook)

    def place(self, output: Path, name: str = "") -> Path:
        """The file that is written for ``-o output``; ``name`` is that of what is exported, if it was given."""
        del name
        if output.is_dir():
            raise UsageError(f"{output} is a folder", "Name the file to write.")
        return output

    def title(self, path: Path) -> str:
        """The title that a file at ``path`` gives its content; empty for none."""
        del path
        return ""

    def put(self, content: Content, path: Path, may_replace: MayReplace) -> None:
        """Write what was rendered to :meth:`place`."""
        self.write(self.render(content), path, may_replace)

    def write(self, data: bytes, path: Path, may_replace: MayReplace) -> None:
        """Write a file, whole or not at all."""
        if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
            try:
                path.write_bytes(data)
            except OSError as error:
                raise cannot_write(path, error) from None
            return
        if path.exists() and may_replace is not None:
            may_replace(path)
        write_atomic(path, data)

    def remark(self, path: Path | None, title: str) -> str:
        """What should be known of what was written (None: to standard output)."""
        del path, title
        return f"this form has no place for {self.loses}" if self.loses else ""


class Skill(Format):
    """A folder with a SKILL.md in it, which has the name of the skill: agents look for it there."""

    def render(self, content: Content) -> bytes:
        return markdown.dump_skill(content.playbook, content.title, content.description)

    def place(self, output: Path, name: str = "") -> Path:
        if output.suffix.lower() == ".md":
            return super().place(output)
        own = output.resolve().name
        folder = markdown.skill_name(name or own)
        return output / "SKILL.md" if own == folder else output / folder / "SKILL.md"

    def title(self, path: Path) -> str:
        return path.parent.resolve().name

    def remark(self, path: Path | None, title: str) -> str:
        name = markdown.skill_name(title)
        if path is None or self.title(path) == name:
            return ""
        return f"name its folder {name!r}, as the skill is named"


class HubFolder(Format):
    """A folder that is a repository of a hub for data sets: card, rows, playbook. What else is in it stays."""

    def render(self, content: Content) -> bytes:
        return card.dump_card(content.playbook, content.title)

    def place(self, output: Path, name: str = "") -> Path:
        del name
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file", "Name the folder to write to.")
        return output

    def title(self, path: Path) -> str:
        return path.resolve().name

    def put(self, content: Content, path: Path, may_replace: MayReplace) -> None:
        if not len(content.playbook):  # which `datasets` could not load either
            raise UsageError("the playbook has no bullets, so there is nothing for a hub")
        files: Mapping[str, bytes] = {
            card.ROWS: tables.dump_parquet(content.playbook),
            card.PLAYBOOK: ace_json.dump_playbook(content.playbook),
            card.CARD: self.render(content),  # last: whoever finds a card finds what it names
        }
        there = [path / name for name in files if os.path.lexists(path / name)]
        for file in there:
            if not file.is_file():
                raise UsageError(f"{file} is not a file that can be replaced", "Name another folder.")
        if there and may_replace is not None:
            may_replace(*there)
        for name, data in files.items():
            write_atomic(path / name, data)

    def remark(self, path: Path | None, title: str) -> str:
        del path, title
        return f"name a license in {card.CARD} before you publish it"


class MarkedSection(Format):
    """A marked part of a file that is somebody's own: replaced or appended, and nothing else is touched."""

    def write(self, data: bytes, path: Path, may_replace: MayReplace) -> None:
        if not path.is_file():
            super().write(data, path, may_replace)
            return
        try:
            existing = path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        write_atomic(path, markdown.merge_section(existing, data, str(path)))


class Page(Format):
    """A page for a browser, which tells of the run as well."""

    def render(self, content: Content) -> bytes:
        from ace_cli.evaluation.finding import examine, is_complete
        from ace_cli.report.html.page import render_page
        from ace_cli.runs.history import history
        from ace_cli.runs.overview import overview
        from ace_cli.training.findings import final_words

        playbook, run = content.playbook, content.run
        if run is None:
            return render_page(playbook, title=content.title)
        past = history(run.merges(), playbook.by_id)
        measured = examine(run).report if run.evaluation() is not None and is_complete(run) else None
        return render_page(
            playbook,
            title=content.title,
            run=overview(run),
            history=past,
            evaluation=measured,
            findings=final_words(run),
        )


class PromptText(Format):
    """What the Generator is given of the playbook: where there are several domains, one labelled text for each."""

    def render(self, content: Content) -> bytes:
        from ace_cli.stages.prompting import part, settings_of_header, style_of
        from ace_cli.stages.prompts import Prompts, load_prompts
        from ace_cli.stages.retrieval import Shown

        recorded = content.run.header().prompts if content.run is not None else {}
        prompts = Prompts(recorded) if "generator.txt" in recorded else load_prompts()
        style = style_of(settings_of_header(content.playbook))
        bullets = content.playbook.bullets
        domains = list(dict.fromkeys(b.domain_id for b in bullets if b.domain_id != GENERAL)) or [GENERAL]
        texts = []
        for domain in domains:
            text = part(prompts, Shown(tuple(b for b in bullets if b.domain_id in (domain, GENERAL))), style)
            label = f"For questions of the domain {visible_line(domain)}:\n\n" if len(domains) > 1 else ""
            texts.append(f"{label}{text}\n" if text else "")
        return "\n".join(texts).encode()


_PAPER_LOSES = "stages, sources, times, activations, neutral votes and line breaks"
_AGENTS = ("agents.md", "claude.md", "gemini.md")
FORMATS = {
    form.name: form
    for form in (
        Format("json", ace_json.dump_playbook, (".json",)),
        Format("jsonl", ace_json.dump_jsonl, (".jsonl", ".ndjson")),
        Format("csv", tables.dump_csv, (".csv",)),
        Format("parquet", tables.dump_parquet, (".parquet",), is_text=False),
        Format("markdown", markdown.dump_markdown, (".md", ".markdown")),
        PromptText("prompt", suffixes=(".txt", ".prompt"), for_models=True),
        Format("paper", paper.dump_paper, for_models=True, loses=_PAPER_LOSES),
        Skill("skill", file_names=("skill.md",), for_models=True),
        MarkedSection("agents-md", markdown.dump_agents_section, file_names=_AGENTS, for_models=True),
        Page("html", suffixes=(".html", ".htm")),
        HubFolder("hub", is_folder=True),
    )
}


def find_format(name: str, output: Path | None) -> Format:
    """The format called ``name`` or, without one, that which the name of the output stands for.

    Raises:
        UsageError: there is none of that name, or nothing says which one is meant.
    """
    hint = f"Formats: {', '.join(FORMATS)}."
    if name:
        if found := FORMATS.get(name.lower().replace("_", "-")):
            return found
        near = [form.name for form in FORMATS.values() if f".{name.lower()}" in form.suffixes]
        near += difflib.get_close_matches(name.lower(), FORMATS, 1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"--format {name:.60} is not known", meant + hint)
    if output is None:
        raise UsageError("nothing says in which format to write", f"Give --format. {hint}")
    file, suffix = output.name.lower(), output.suffix.lower()
    for form in FORMATS.values():
        if file in form.file_names:
            return form
    for form in FORMATS.values():
        if suffix in form.suffixes:
            return form
    raise UsageError(f"the name {output} does not say in which format to write", f"Give --format. {hint}")
