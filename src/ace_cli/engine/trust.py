"""Whose word is it? A run directory and a project folder are not the user.

What they name is harmless, or needs the user's own word once: a host that gets the key, a file that is written elsewhere, code
that is run, somebody who is told of prompts. A flag, a variable, the user's own file and the file of ``--config`` are the user's word, and are remembered,
so that ``ace resume`` goes on without them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path

from ace_cli import plugins
from ace_cli.errors import UsageError
from ace_cli.import_path import look_in
from ace_cli.llm.factory import LOCAL
from ace_cli.llm.hosts import OWN, calls, host_of, is_address, is_loopback, own_address, own_host, provider_of
from ace_cli.settings.layers import DEFAULT, PROJECT, Loaded, user_folder


class What(StrEnum):
    HOST = "host"
    FILE = "file"
    CODE = "code"
    TELL = "tell"


_ACTS = {
    What.HOST: "call {}, with your key",
    What.FILE: "write {}",
    What.CODE: "run the code of {}",
    What.TELL: "send {}",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is not harmless. ``source`` is who names it, and empty for the user."""

    what: What
    name: str
    key: str
    source: str

    def __str__(self) -> str:
        return f"{_ACTS[self.what].format(self.name)} ({self.key})"


class Word(Enum):
    """The user's answer."""

    NO = "no"
    NOW = "now"
    ALWAYS = "always"


Ask = Callable[[Sequence[Claim]], Word]


class NotTrusted(UsageError):
    """What settings ask for needs the user's word."""


def admit(
    loaded: Loaded,
    ask: Ask,
    run_dir: Path | None = None,
    only: Iterable[What] = What,
    concerns: Callable[[Claim], bool] = lambda _: True,
) -> None:
    """Let these settings be worked with, after a word from the user where one is needed.

    The working directory is looked in for code, after everything else, where code of it is named and allowed.

    Args:
        ask: gets what there is no word for yet.
        run_dir: of a run that goes on.
        only: what will be done; a plan calls nobody and writes nothing.
        concerns: whether a claim is about something that will be done, where kinds do not tell.

    Raises:
        NotTrusted: the user said no, or could not be asked.
    """
    claims = [claim for claim in claims_of(loaded, run_dir) if claim.what in only and concerns(claim)]
    unheard = [claim for claim in claims if claim.source and not _is_trusted(claim)]
    word = ask(unheard) if unheard else Word.NO
    if unheard and word is Word.NO:
        sources = " and ".join(dict.fromkeys(claim.source for claim in unheard))
        acts = "; ".join(dict.fromkeys(map(str, unheard)))
        raise NotTrusted(
            f"{sources} would have `ace` {acts}: that needs your word",
            "--trust gives it for this time; at a terminal you are asked. A flag of your own (--output, --api-base ...) wins.",
        )
    remember(claim for claim in claims if not claim.source or word is Word.ALWAYS)
    here = Path.cwd()
    if any(claim.what is What.CODE and claim.name.endswith(_in(here)) for claim in claims):
        look_in(str(here))


def is_heard(loaded: Loaded, what: What) -> bool:
    """Whether nothing of this kind still needs the user's word."""
    return not any(
        claim.source and not _is_trusted(claim) for claim in claims_of(loaded) if claim.what is what
    )


def claims_of(loaded: Loaded, run_dir: Path | None = None) -> Iterator[Claim]:
    """What these settings ask for, by the user or not; of what is harmless, no more than what the user wants kept in mind."""
    yield from _hosts(loaded)
    yield from _files(loaded, run_dir)
    yield from _code(loaded)
    yield from _told(loaded)


def _hosts(loaded: Loaded) -> Iterator[Claim]:
    """An address is harmless on this machine, or where it is the one of the model's provider and that has one for all."""
    for call in calls(loaded.settings.models):
        provider, names_address = provider_of(call.model), "://" in call.model
        if call.api_base is not None:
            host, source = host_of(call.api_base), _source(loaded, call.base_key)
            # What is no address is refused later; there may be a password in it, so it is not kept in mind.
            meant = bool(source) or is_address(call.api_base)
            if meant and not is_loopback(host) and host != OWN.get(provider):
                yield Claim(What.HOST, host, call.base_key, source)
        if names_address or (call.api_base is None and provider and own_address(provider) is None):
            yield Claim(What.HOST, own_host(call.model), call.model_key, _source(loaded, call.model_key))
    execution, key = loaded.settings.execution, "execution.ray_address"
    if execution.executor == "ray" and execution.ray_address is not None:
        # its workers get the keys, wherever it is: also a cluster on this machine may be somebody else's
        yield Claim(What.HOST, f"ray cluster {execution.ray_address}", key, _source(loaded, key))


def _files(loaded: Loaded, run_dir: Path | None) -> Iterator[Claim]:
    """A file is harmless below the working directory or in the run, where it really lies there and is not hidden."""
    output = loaded.settings.output
    named = {"output.playbook": output.playbook, "output.metrics": output.metrics}
    if run_dir is None and output.run_dir is not None:
        named["output.run_dir"] = output.run_dir
    if (cache := loaded.settings.execution.cache) is not None:
        named["execution.cache"] = cache
    homes = [Path(os.path.realpath(folder)) for folder in (Path.cwd(), run_dir) if folder is not None]
    for key, path in named.items():
        place = Path(os.path.realpath(path))
        inner = [place.relative_to(home) for home in homes if place.is_relative_to(home)]
        harmless = any(not any(part.startswith(".") for part in relative.parts) for relative in inner)
        named_by = key if key in loaded.origin else "output.playbook"  # metrics without a name follow it
        source = _source(loaded, named_by) if named_by in loaded.origin else "a link here"
        if not harmless or not source:  # the user's is kept in mind: a run may go on from another folder
            yield Claim(What.FILE, str(place), key, source)


def _code(loaded: Loaded) -> Iterator[Claim]:
    """Built-in parts and the entry points of installed packages are harmless; any other name can be any code."""
    settings = loaded.settings
    for kind, key in (
        ("generator", "stages.generator"),
        ("reflector", "stages.reflector"),
        ("curator", "stages.curator"),
        ("sameness", "stages.sameness"),
        ("scorer", "training.scorer"),
        ("embedder", "models.embedding"),
    ):
        spec = settings.at(key)
        if plugins.is_imported(kind, spec):
            place = "" if plugins.is_installed(spec) else _in(Path.cwd())
            yield Claim(What.CODE, f"{spec}{place}", key, _source(loaded, key))
    for role in ("generator", "reflector", "curator"):
        model = settings.at(f"models.{role}.model") or ""
        if model.startswith(LOCAL) and model.lower().endswith(
            ".gguf"
        ):  # read by code that trusts what it reads
            path = os.path.realpath(Path(model.removeprefix(LOCAL)).expanduser())
            yield Claim(What.CODE, path, f"models.{role}.model", _source(loaded, f"models.{role}.model"))


def _told(loaded: Loaded) -> Iterator[Claim]:
    """Whoever is told of prompts or results is no part of the run, even if it runs on this machine."""
    for name in loaded.settings.models.callbacks:
        place = "" if plugins.is_installed(name) else _in(Path.cwd())
        what, told = (
            (What.CODE, f"{name}{place}") if ":" in name else (What.TELL, f"every prompt and reply to {name}")
        )
        yield Claim(what, told, "models.callbacks", _source(loaded, "models.callbacks"))
    for name in loaded.settings.output.track:
        yield Claim(
            What.TELL, f"curves and the playbook to {name}", "output.track", _source(loaded, "output.track")
        )


def _in(here: Path) -> str:
    return f" in {here}"


def _source(loaded: Loaded, key: str) -> str:
    layer = loaded.origin.get(key)
    if layer is None:
        return ""
    if layer.rank == DEFAULT:
        return "the run" if layer.name == "recorded" else layer.name
    return layer.name if layer.rank == PROJECT else ""


# -- the list of what the user gave a word for


def trust_file() -> Path:
    return user_folder() / "trusted"


def read_trusted() -> frozenset[tuple[str, str]]:
    """What there is a word for, as (what, name)."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = trust_file().read_text("utf-8").splitlines()
        return frozenset((what, name) for what, _, name in (line.partition(" ") for line in lines))
    return frozenset()


def remember(claims: Iterable[Claim]) -> None:
    """Add to the list; where it cannot be written, the user is asked again."""
    fresh = (claim for claim in claims if claim.name.isprintable() and not _is_trusted(claim))
    lines = dict.fromkeys(f"{claim.what} {claim.name}\n" for claim in fresh)
    if not lines:
        return
    path = trust_file()
    with contextlib.suppress(OSError):
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
        ) as file:
            file.write(("" if file.tell() else _HEAD) + "".join(lines))


_HEAD = """\
# What runs and project files may do: hosts that get your key, files that are written, code that is run.
# `ace` adds what you named yourself or said yes to. A folder after `file` allows all in it. Delete a line to take it back.
"""


def _is_trusted(claim: Claim) -> bool:
    trusted = read_trusted()
    if claim.what is What.FILE:
        return any(
            what == "file" and name and Path(claim.name).is_relative_to(name) for what, name in trusted
        )
    return (claim.what.value, claim.name) in trusted
