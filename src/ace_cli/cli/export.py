"""`ace export`: take a playbook along, in the form that is wanted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ace_cli.cli import filter_options as flags
from ace_cli.cli.help import Command
from ace_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ace_cli.cli.inspect_target import Target
    from ace_cli.playbook import Bullet
    from ace_cli.report.forms import Form

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_FORM = "Where to, and how"
_FORMATS = "json, jsonl, csv, parquet, markdown, prompt, paper, skill, agents-md or html"


@app.command(name="export", cls=Command)
def export(
    target: Annotated[
        Path, typer.Argument(metavar="PLAYBOOK|RUN", help="A playbook file, a checkpoint or a run directory.")
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help=f"{_FORMATS}; by default what the name of the output says.",
            rich_help_panel=_FORM,
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|-",
            help="File to write (skill: folder); without it, standard output.",
            rich_help_panel=_FORM,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file without asking.", rich_help_panel=_FORM)
    ] = False,
    name: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Name of the skill, title of the HTML page.", rich_help_panel=_FORM
        ),
    ] = "",
    description: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="When to use the skill, at most 1,024 characters.", rich_help_panel=_FORM
        ),
    ] = "",
    domain: Annotated[
        str | None,
        typer.Option(
            help="Bullets of this domain (prompt, paper, skill, agents-md: and the general ones).",
            rich_help_panel=flags.PANEL,
        ),
    ] = None,
    section: flags.SectionIs = None,
    stage: flags.StageIs = None,
    min_confidence: flags.MinConfidence = 0.0,
    min_activations: flags.MinActivations = 0,
    search: flags.Search = "",
    include_quarantined: flags.IncludeQuarantined = False,
    top: flags.Top = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            help="As many of the best as fit into N tokens (of the text for models, else of the prompt lines).",
            min=1,
            rich_help_panel=flags.PANEL,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Whose tokenizer counts for --max-tokens; by default that of the generator.",
            rich_help_panel=flags.PANEL,
        ),
    ] = "",
    sort: flags.Sort = "",
    reverse: flags.Reverse = False,
    limit: flags.Limit = None,
) -> None:
    """Write a playbook as a file for other tools, as text for a prompt, or as a page to read.

    Quarantined bullets are left out unless asked for. What json, jsonl and paper write is read back by
    `ace train --initial-playbook`.
    """
    from ace_cli.cli.inspect_target import open_target
    from ace_cli.playbook.filters import BulletFilter
    from ace_cli.report import forms

    form = _form(format, output)
    to_stdout = output is None or str(output) == "-"
    if to_stdout and not form.is_text and sys.stdout.isatty():
        raise UsageError(f"{form.name} is not text for a terminal", "Name a file: -o playbook.parquet")
    wanted = BulletFilter(
        domain=None if form.read_by_models else domain,
        section=section,
        stage=stage,
        min_confidence=min_confidence,
        min_activations=min_activations,
        search=search,
        include_quarantined=include_quarantined,
        top=top,
        sort=sort,
        reverse=reverse,
        limit=limit,
    )
    opened = open_target(target)
    playbook = opened.playbook
    candidates: Sequence[Bullet] = playbook.bullets
    if domain is not None:
        _known_domain(domain, candidates)
        if form.read_by_models:
            candidates = [b for b in candidates if b.domain_id in (domain, "general")]
    chosen = wanted.apply(candidates)
    title = name or (target.resolve().name if target.is_dir() else target.stem)
    if max_tokens is not None:
        chosen = _fit(opened, chosen, max_tokens, form, model, title, description)
    if not chosen and len(playbook):
        raise UsageError(
            f"none of the {len(playbook)} bullets passes the filters, so nothing is written",
            "Loosen the filters; quarantined bullets need --include-quarantined.",
        )
    report = None
    if form.name == "html" and opened.run is not None:
        from ace_cli.report.terminal.run_report import run_report

        report = run_report(opened.run, chosen)
    path = _path(form, output) if output is not None and not to_stdout else None
    if path is not None and form.name == "skill":
        title = name or path.parent.resolve().name
    data = forms.render(
        form, playbook.with_bullets(chosen), name=title, description=description, report=report
    )
    if path is None:
        _to_stdout(data, form)
    else:
        _to_file(data, path, form, force)
    left_out = sum(b.is_quarantined for b in playbook.bullets) - sum(b.is_quarantined for b in chosen)
    _say(len(chosen), len(playbook), left_out, form, path, title)


def _form(name: str, output: Path | None) -> Form:
    from ace_cli.report.forms import FORMS, form_of

    allowed = f"Formats: {', '.join(FORMS)}."
    if name:
        key = name.lower().replace("_", "-")
        if key not in FORMS:
            raise UsageError(f"--format {name:.60} is not known", allowed)
        return FORMS[key]
    found = form_of(output) if output is not None else None
    if found is None:
        where = f"the name {output} does not say" if output is not None else "nothing says"
        raise UsageError(f"{where} in which format to write", f"Give --format. {allowed}")
    return found


def _known_domain(domain: str, bullets: Sequence[Bullet]) -> None:
    from difflib import get_close_matches

    from ace_cli.report.text import printable

    known = sorted({bullet.domain_id for bullet in bullets})
    if bullets and domain not in known:
        near = get_close_matches(domain, known, n=3, cutoff=0.5) or known[:5]
        raise UsageError(
            f"no bullet is of the domain {printable(domain)!r}",
            f"There is: {', '.join(map(printable, near))}.",
        )


def _fit(
    opened: Target,
    bullets: Sequence[Bullet],
    limit: int,
    form: Form,
    model: str,
    title: str,
    description: str,
) -> tuple[Bullet, ...]:
    from ace_cli.llm.library import count_tokens
    from ace_cli.report import forms

    model = model or _generator_model(opened)
    measured = form if form.read_by_models or form.name == "markdown" else forms.FORMS["prompt"]

    def tokens(some: Sequence[Bullet]) -> int:
        data = forms.render(measured, opened.playbook.with_bullets(some), name=title, description=description)
        return count_tokens(model, data.decode())

    chosen = forms.fit(bullets, limit, tokens)
    if bullets and not chosen:
        least = tokens(sorted(bullets, key=lambda b: len(b.content))[:1])
        raise UsageError(
            f"not even the best bullet fits into {limit} tokens",
            f"The shortest one takes {least} as {measured.name}.",
        )
    typer.echo(f"{tokens(chosen)} of {limit} tokens ({measured.name}, tokenizer of {model})", err=True)
    return chosen


def _generator_model(opened: Target) -> str:
    model = opened.playbook.training_config.get("generator_model")
    return model if isinstance(model, str) and model else "gpt-4o"


def _path(form: Form, output: Path) -> Path:
    """The file to write: SKILL.md within the folder that a skill is."""
    if form.name == "skill" and output.suffix.lower() != ".md":
        return output / "SKILL.md"
    if output.is_dir():
        raise UsageError(f"{output} is a folder", "Name the file to write.")
    return output


def _to_stdout(data: bytes, form: Form) -> None:
    if form.is_text and sys.stdout.isatty():
        from ace_cli.report.text import printable

        typer.echo(printable(data.decode(), keep_lines=True), nl=False)
    else:
        typer.echo(data, nl=False)


def _to_file(data: bytes, path: Path, form: Form, force: bool) -> None:
    from ace_cli.files import cannot_write, write_atomic

    if path.is_file() and form.name == "agents-md":
        from ace_cli.playbook.formats import merge_section

        try:
            existing = path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None
        write_atomic(path, merge_section(existing, data, str(path)))
    elif path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
        try:
            path.write_bytes(data)
        except OSError as error:
            raise cannot_write(path, error) from None
    else:
        if path.exists() and not force:
            _ask_to_replace(path)
        write_atomic(path, data)


def _ask_to_replace(path: Path) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{path} exists", "Give --force to replace it.")
    if not typer.confirm(f"{path} exists. Replace it?", err=True):
        raise UsageError(f"{path} exists and was left as it is")


def _say(written: int, total: int, quarantined: int, form: Form, path: Path | None, title: str) -> None:
    from ace_cli.report.text import printable

    where = f" to {printable(str(path))}" if path is not None else ""
    words = [f"{written} of {total} bullets{where} as {form.name}"]
    if quarantined:
        words.append(f"{quarantined} quarantined left out (--include-quarantined)")
    if form.name == "skill" and path is not None:
        from ace_cli.playbook.formats.markdown import skill_name

        if path.parent.resolve().name != skill_name(title):
            words.append(f"name its folder {skill_name(title)!r}, as the skill is named")
    if form.loses:
        words.append(f"this form has no place for {form.loses}")
    typer.echo("; ".join(words), err=True)


command = typer.main.get_command(app)
