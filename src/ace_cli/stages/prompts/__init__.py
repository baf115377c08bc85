"""Prompt texts: files beside this module, each replaceable by a file of the same name in a user's folder.

A file is one conversation: the system message, a line ``=== user ===``, the user message. Before the user message there may be
model replies: a user message, a line ``=== assistant ===`` and what should be said to it. ``$name`` is a placeholder (``$$`` is a
dollar sign). A paragraph whose placeholders are all empty is left out, heading and all, so one text serves examples with and
without context, bullets or an earlier attempt. Only the first paragraph of the system message, which names the role,
always stays. What is filled in is never read as a placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import chain, cycle
from pathlib import Path
from string import Template
from typing import Literal

from ace_cli.errors import UsageError
from ace_cli.llm.base import Message

_DIVIDER = re.compile(r"^=== (user|assistant) ===[ \t]*$", re.MULTILINE)

_SPEAKERS: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")

_GENERATOR = ("question", "bullets"), ("context", "near", "earlier_answer", "earlier_reflection")
_REFLECTOR = ("question", "answer", "verdict", "truth"), ("reasoning", "cited", "context", "similar", "near")

PLACEHOLDERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "generator.txt": _GENERATOR,
    "generator_plain.txt": _GENERATOR,
    "reflector.txt": _REFLECTOR,
    "reflector_guided.txt": (("question", "truth"), ("answer", "verdict", "context")),
    "reflector_plain.txt": (("question", "truth"), ("answer", "context")),
    "curator.txt": ((), ()),
}
"""File name -> the placeholders that it must hold, and those that it may hold besides."""


@dataclass(frozen=True)
class Prompts:
    """The texts of a run, by file name. They belong to a run's identity: other prompts, other playbook."""

    texts: Mapping[str, str]

    def messages(self, name: str, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The conversation of file ``name`` with ``values`` filled in, literally; an empty message is left out."""
        (first, *others), *turns = _turns(self.texts[name])
        text = "\n\n".join(filter(None, (_substitute(first, values), _fill(others, values))))
        filled = [Message("system", text)]
        filled += [
            Message(role, _fill(turn, values)) for role, turn in zip(cycle(_SPEAKERS), turns, strict=False)
        ]
        return tuple(message for message in filled if message.content)

    def part(self, name: str, placeholders: Set[str], values: Mapping[str, str]) -> str:
        """Just the paragraphs of file ``name`` that hold one of ``placeholders``, as they stand in :meth:`messages`."""
        paragraphs = chain.from_iterable(_turns(self.texts[name]))
        return _fill([each for each in paragraphs if not placeholders.isdisjoint(each.names)], values)


def load_prompts(folder: Path | None = None) -> Prompts:
    """Our texts, replaced by those in ``folder``, which may hold any of them.

    Raises:
        UsageError: the folder or a file cannot be read, has a name that we do not know, or its placeholders
            are wrong.
    """
    ours = resources.files(__name__)
    texts = {name: (ours / name).read_text("utf-8") for name in PLACEHOLDERS}
    if folder is not None:
        texts |= _read_folder(folder)
    return Prompts(texts)


def _read_folder(folder: Path) -> dict[str, str]:
    known = f"Known: {', '.join(PLACEHOLDERS)}."
    if not folder.is_dir():
        raise UsageError(f"the prompt folder {folder} does not exist", known)
    texts: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower().startswith("readme"):
            continue
        if path.name not in PLACEHOLDERS:
            raise UsageError(f"{path} is not the name of a prompt", known)
        try:
            texts[path.name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the prompt {path}: {error}") from error
        _check(path, texts[path.name])
    if not texts:
        raise UsageError(f"the prompt folder {folder} holds no prompt", known)
    return texts


def _check(path: Path, text: str) -> None:
    required, optional = PLACEHOLDERS[path.name]
    template = Template(text)
    if not _DIVIDER.split(text)[0].strip():
        raise UsageError(f"the prompt {path} has no system message", "Its first line names the role.")
    turns = _DIVIDER.findall(text.replace("\r\n", "\n"))
    if any(said != expected for said, expected in zip(turns, cycle(_SPEAKERS), strict=False)) or turns[
        -1:
    ] == ["assistant"]:
        raise UsageError(
            f"the turns of the prompt {path} are out of order",
            "They take turns: user, assistant, ..., and end with user.",
        )
    if not template.is_valid():
        raise UsageError(f"the prompt {path} holds a stray $", "A dollar sign is written $$.")
    found = set(template.get_identifiers())
    if missing := [name for name in required if name not in found]:
        raise UsageError(f"the prompt {path} lacks ${missing[0]}", f"It needs {_dollars(required)}.")
    if unknown := sorted(found - {*required, *optional}):
        allowed = f"Allowed: {_dollars((*required, *optional))}; a dollar sign is written $$."
        raise UsageError(f"the prompt {path} holds the unknown ${unknown[0]}", allowed)


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """A paragraph and its placeholders."""

    template: Template
    names: tuple[str, ...]


@lru_cache(maxsize=64)
def _turns(text: str) -> tuple[tuple[_Paragraph, ...], ...]:
    """The paragraphs of a file's messages, the system's first; looked for once, and filled in for every call."""
    return tuple(map(_paragraphs, _DIVIDER.split(text.replace("\r\n", "\n"))[::2]))


def _paragraphs(text: str) -> tuple[_Paragraph, ...]:
    templates = [Template(part.strip("\n")) for part in re.split(r"\n\s*\n", text) if part.strip()]
    return tuple(_Paragraph(template, tuple(template.get_identifiers())) for template in templates)


def _fill(paragraphs: Sequence[_Paragraph], values: Mapping[str, str]) -> str:
    return "\n\n".join(
        _substitute(paragraph, values)
        for paragraph in paragraphs
        if not paragraph.names or any(values.get(name, "").strip() for name in paragraph.names)
    )


def _substitute(paragraph: _Paragraph, values: Mapping[str, str]) -> str:
    return paragraph.template.substitute({name: values.get(name, "").strip() for name in paragraph.names})


def _dollars(names: tuple[str, ...]) -> str:
    return ", ".join(f"${name}" for name in names) or "no placeholder"
