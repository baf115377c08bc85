"""The settings file that ``ace init`` writes: what was found in the data, the models, and what is often set next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ace_cli.data.localfile import extension
from ace_cli.data.look import Look
from ace_cli.report.format import count
from ace_cli.report.text import one_line, toml_text
from ace_cli.settings import DEFINITIONS

MANY = 200
"""Rows from which the file does not ask for all of them."""

FEW = 4
"""Rows that are too few to keep aside."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user named; None is left to the defaults."""

    generator: str | None = None
    reflector: str | None = None
    api_base: str | None = None


def init_lines(look: Look, chosen: Chosen) -> Iterator[str]:
    """The file, line by line: TOML that `ace train` takes as it is."""
    yield f"# Settings of `ace` for {one_line(look.path.name)}, made by `ace init`. `ace train` in this folder reads them."
    yield "# What stands behind a # is a suggestion, or the default. `ace train --show-config` lists every setting."
    yield from _data(look)
    yield from ("", "[models]")
    yield _line("api_base", chosen.api_base, "a server of your own", "http://127.0.0.1:8000/v1")
    for role, model, what in (
        ("generator", chosen.generator, "answers the examples"),
        ("reflector", chosen.reflector, "learns from the answers"),
    ):
        yield from ("", f"[models.{role}]")
        yield _line("model", model, what, DEFINITIONS[f"models.{role}.model"].default)
    yield from ("", "[training]")
    yield _line("scorer", look.scorer, look.reason)
    yield _line("epochs", None, "passes over the examples", 1)
    yield from ("", "[output]")
    yield _line("playbook", f"playbooks/{_stem(look.path)}.json", "the metrics stand beside it")
    yield from ("", "[limits]")
    yield _line("max_cost", None, "US dollars for the whole run", 1.0)


def found_lines(look: Look) -> Iterator[str]:
    """What was found, for the user who ran it."""
    yield f"{look.path}: {count(look.rows, 'row')}" + (f", {look.bad:,} of them bad" if look.bad else "")
    for role, name in look.fields.items():
        yield f"{role:<10} {one_line(name)}" + (" (a guess)" if role in look.guessed else "")
    if len(look.domains) > 1:
        yield f"{'domains':<10} {_domains(look.domains)}"
    yield f"{'scorer':<10} {look.scorer}: {look.reason}"


def _data(look: Look) -> Iterator[str]:
    yield from ("", "[data]")
    yield _line("dataset", "custom")
    yield _line("input", str(look.path), count(look.rows, "row"))
    good = look.rows - look.bad
    if good <= MANY:
        aside = good // 5
        kept = f"; {good - aside} keeps {aside} aside, for `ace eval` to measure on" if aside >= FEW else ""
        yield _line("num_examples", 0, f"all of them{kept}")
    else:
        yield _line("num_examples", MANY, f"the first of {good:,}; 0 takes all")
        yield _line("shuffle", None, "draw them at random instead", True)
    if look.bad:
        yield _line(
            "skip_invalid",
            True,
            f"{count(look.bad, 'bad row')}: without it, `ace train` refuses the file and names the first",
        )
    for role in ("question", "answer", "domain", "context", "id"):
        if (name := look.fields.get(role)) is not None:
            note = "a guess: please check" if role in look.guessed else ""
            if role == "domain":
                note = f"{len(look.domains)} domains: {_domains(look.domains)}"
            yield _line(f"{role}_field", None if name == role else name, note or "found by its name", name)
    if look.others:
        yield f"# not used: {', '.join(map(one_line, look.others[:20]))}"


def _line(key: str, value: object, note: str = "", suggested: object = "") -> str:
    text = f"# {key} = {toml_text(suggested)}" if value is None else f"{key} = {toml_text(value)}"
    return f"{text}  # {one_line(note)}" if note else text


def _domains(domains: Mapping[str, int]) -> str:
    named = ", ".join(f"{one_line(name)} ({rows:,})" for name, rows in list(domains.items())[:8])
    return named + (f" and {len(domains) - 8} more" if len(domains) > 8 else "")


def _stem(path: Path) -> str:
    """The file's name without its endings; what is no usual name of a file is not taken over."""
    name = path.resolve().name
    inner = name.partition(f"{extension(Path(name))}")[0] if extension(Path(name)) else name
    kept = "".join(char if char.isalnum() or char in "-_" else "-" for char in inner).strip("-_")
    return kept[:60] or "playbook"
