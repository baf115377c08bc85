"""What can be known before a run exists, and before anybody is paid: models, addresses, keys, and where files will go."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import Path

from ace_cli.embeddings import WORDLLAMA
from ace_cli.engine.wiring import NO_REPLACEMENTS, Replacements
from ace_cli.errors import AceError, UsageError
from ace_cli.files import cannot_write
from ace_cli.llm.hosts import calls
from ace_cli.llm.known import Named, address_of, check_known, check_listening
from ace_cli.llm.tracing import check_callbacks
from ace_cli.plugins import names_a_part
from ace_cli.runs.reader import EMBEDDING
from ace_cli.settings import DEFINITIONS, ModelsSettings, RoleSettings, Settings
from ace_cli.settings.model import BOTH, FOR_BOTH, OutputSettings

OURS = {"generator": "default", "reflector": "default", "curator": "llm"}
"""Role -> the stage of ours that asks its model. Nobody knows whether somebody else's does."""


def called_roles(settings: Settings, replacements: Replacements = NO_REPLACEMENTS) -> tuple[str, ...]:
    """Whose models will be called for sure: generator, reflector, curator, and a provider's embeddings."""
    stages, models = settings.stages, settings.models
    roles = [
        role
        for role, stage in OURS.items()
        if getattr(replacements, role) is None and getattr(stages, role) == stage
    ]
    if "curator" in roles and models.curator.model is None and "reflector" in roles:
        roles.remove("curator")  # it asks the reflector's model
    if not names_a_part("embedder", models.embedding) and models.embedding != WORDLLAMA:
        roles.append(EMBEDDING)
    return tuple(roles)


def check_models(settings: Settings, roles: Collection[str]) -> list[str]:
    """Raise what every call of these roles would end with, as far as it can be known without a call.

    Returns:
        Doubts, such as a name that looks mistyped but may be a new model's.

    Raises:
        UsageError: a model has no name, a name that nobody has, no key, or an address that is none.
    """
    if "curator" in roles and settings.models.curator.model is None:
        raise UsageError('the curator "llm" has no model', "Name one with --curator-model.")
    return list(dict.fromkeys(filter(None, map(check_known, named(settings.models, roles)))))


def check_servers(models: ModelsSettings, roles: Collection[str]) -> list[str]:
    """Does somebody listen at the addresses of these roles?

    Returns:
        What is wrong with servers that a run can do without, since the model has others.

    Raises:
        AceError: a model has no other, so that every call would be waited for in vain.
    """
    asked: dict[str, AceError | None] = {}
    doubts: dict[str, None] = {}
    for _, group in groupby(named(models, roles), key=lambda n: (n.setting, n.model)):
        servers = [(address, n.model) for n in group if (address := address_of(n))]
        for address, model in servers:
            if address not in asked:
                asked[address] = _listening(address, model)
        down = [error for address, _ in servers if (error := asked[address])]
        if down and len(down) == len(servers):
            raise down[0]
        doubts |= dict.fromkeys(f"{error.message}: calls go to the other servers" for error in down)
    return list(doubts)


def doubtful_servers(models: ModelsSettings, roles: Collection[str]) -> list[str]:
    """As :func:`check_servers`, for a plan: it calls nobody, so that a model has no server at all is no more than a doubt."""
    try:
        return check_servers(models, roles)
    except AceError as error:
        return [f"{error.message}. {error.hint}"]


def _listening(address: str, model: str) -> AceError | None:
    try:
        check_listening(address, model)
    except AceError as error:
        return error
    return None


def check_listeners(settings: Settings) -> None:
    """Who is told of calls and results can be told: the packages are there, and litellm's callbacks can be made.

    Raises:
        UsageError: naming what cannot.
    """
    check_callbacks(settings.models.callbacks)
    for name in settings.output.track:
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"--track {name} needs the package {name}", f"pip install 'ace-cli[{name}]'")


def named(models: ModelsSettings, roles: Collection[str]) -> Iterator[Named]:
    """The models of these roles that are reached over the network, once for each of their servers."""
    for call in calls(models):
        embeds = call.model_key == "models.embedding"
        role = EMBEDDING if embeds else call.model_key.split(".")[1]
        if role not in roles:
            continue
        if embeds:
            has_key = bool(models.embedding_api_key or models.embedding_headers)
        else:
            own: RoleSettings = getattr(models, role)
            has_key = bool(own.api_key or own.headers)
        flag = DEFINITIONS[call.model_key].flag or call.model_key
        if call.model_key in FOR_BOTH and models.generator.model == models.reflector.model:
            flag = DEFINITIONS[BOTH].flag or flag
        yield Named(call.model, flag, call.api_base, has_key, embeds)


def check_outputs(output: OutputSettings) -> None:
    """The files that are written at the end can be written: nobody wants to learn that after hours. Makes nothing.

    Raises:
        AceError: they cannot.
    """
    if os.path.realpath(output.playbook) == os.path.realpath(output.metrics):
        raise UsageError(
            f"playbook and metrics would both be written to {output.playbook}", "Name two files."
        )
    for path in (output.playbook, output.metrics):
        try:
            if path.is_dir():
                raise UsageError(f"{path} is a folder", "Name a file.")
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} is not a file that can be replaced", "Name another one.")
        except OSError as error:
            raise cannot_write(path, error) from error
        check_folder(path.parent, path)
        if path.exists() and not os.access(path, os.W_OK):
            raise _no_permission(path)


def check_folder(folder: Path, path: Path) -> None:
    """``folder`` is one that can be written to, or can be made; ``path`` is what an error names.

    Raises:
        AceError: it cannot.
    """
    there = folder
    try:
        while not there.exists() and there != there.parent:
            if there.is_symlink():
                raise AceError(f"cannot write {path}: {there} is a link to nowhere", "Choose another folder.")
            there = there.parent
    except OSError as error:
        raise cannot_write(path, error) from error
    if not there.is_dir():
        raise AceError(f"cannot write {path}: {there} is not a folder", "Choose another one.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _no_permission(path)


def _no_permission(path: Path) -> AceError:
    return AceError(f"cannot write {path}: no permission", "Choose a folder that you may write to.")
