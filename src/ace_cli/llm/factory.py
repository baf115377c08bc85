"""From a model's name to the model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ace_cli.errors import UsageError
from ace_cli.llm.base import ChatModel, PromptStyle
from ace_cli.redact import public_address
from ace_cli.settings import ModelsSettings, RoleSettings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from ace_cli.llm.balanced import BalancedEmbedding
    from ace_cli.llm.embedding import EmbeddingModel
    from ace_cli.llm.endpoint import Endpoint
    from ace_cli.llm.servers import Servers

M = TypeVar("M")

LOCAL = "local/"
"""Names that begin so are models inside this process."""


def make_model(
    name: str,
    role: RoleSettings | None = None,
    *,
    api_base: Sequence[str] | None = None,
    callbacks: Sequence[str] = (),
    notify: Callable[[str], None] | None = None,
) -> ChatModel:
    """The model called ``name`` with the settings of ``role``. Nothing is loaded or called yet.

    Args:
        name: ``local/...``, or as litellm names it.
        role: address, key, headers, timeout, prompt style and prices.
        api_base: the addresses when ``role`` has none.
        callbacks: who else is told of every call.
        notify: called with parameters that a model does not take, with what goes wrong with callbacks, and with servers that are left
            out or back.

    Raises:
        UsageError: a local model is missing, or only one of the two prices is set.
    """
    role = role or RoleSettings()
    style = None if role.prompt_style == "auto" else PromptStyle(role.prompt_style)
    if name.startswith(LOCAL):
        from ace_cli.llm.local import LocalModel

        return LocalModel(name) if style is None else LocalModel(name, style=style)

    from ace_cli.llm.litellm_model import LitellmModel

    def at(address: str | None) -> LitellmModel:
        endpoint = _endpoint(name, role, address, callbacks, notify)
        return LitellmModel(endpoint, style=style or PromptStyle.JSON, notify=notify)

    bases = role.api_base or api_base or ()
    if len(bases) < 2:
        return at(next(iter(bases), None))

    from ace_cli.llm.balanced import BalancedModel

    return BalancedModel(_servers(bases, at, notify))


async def warm(models: ModelsSettings) -> None:
    """Load what calls over the network need, before the first one: it takes seconds, in which calls that were let go would gather."""
    from ace_cli.llm.library import load_litellm

    if not all((role.model or "").startswith(LOCAL) for role in models.roles.values()):
        await asyncio.to_thread(load_litellm)


def make_embedding_model(
    name: str, models: ModelsSettings | None = None, notify: Callable[[str], None] | None = None
) -> EmbeddingModel | BalancedEmbedding:
    """The embedding model called ``name``, reached as ``models`` says. ``notify`` is told of servers that are left out or back."""
    from ace_cli.llm.embedding import EmbeddingModel
    from ace_cli.llm.endpoint import Endpoint, Prices

    models = models or ModelsSettings()

    def at(address: str | None) -> EmbeddingModel:
        endpoint = Endpoint(
            name,
            api_base=address,
            api_key=_told(models.embedding_api_key),
            headers=_all_told(models.embedding_headers),
            timeout=models.embedding_timeout,
            prices=None if models.embedding_price is None else Prices(models.embedding_price),
            callbacks=models.callbacks,
        )
        return EmbeddingModel(endpoint)

    bases = models.embedding_api_base or models.api_base or ()
    if len(bases) < 2:
        return at(next(iter(bases), None))

    from ace_cli.llm.balanced import BalancedEmbedding

    return BalancedEmbedding(_servers(bases, at, notify))


def _servers(
    bases: Sequence[str], at: Callable[[str], M], notify: Callable[[str], None] | None
) -> Servers[M]:
    from ace_cli.llm.servers import Servers

    tell = notify or logging.getLogger(__name__).warning
    return Servers([(public_address(base), at(base)) for base in bases], tell)


def _endpoint(
    name: str,
    role: RoleSettings,
    api_base: str | None,
    callbacks: Sequence[str],
    notify: Callable[[str], None] | None,
) -> Endpoint:
    from ace_cli.llm.endpoint import Endpoint, Prices

    prices = None
    if role.input_price is not None and role.output_price is not None:
        prices = Prices(float(role.input_price), float(role.output_price))
    elif role.input_price is not None or role.output_price is not None:
        raise UsageError(
            f"{name} has only one of input_price and output_price",
            "Set both, in US dollars per million tokens.",
        )
    return Endpoint(
        name,
        api_base=api_base,
        api_key=_told(role.api_key),
        headers=_all_told(role.headers),
        timeout=role.timeout,
        prices=prices,
        callbacks=callbacks,
        notify=notify,
    )


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _all_told(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in secrets.items()}
