"""Models over real HTTP, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ace_cli.llm.endpoint import Endpoint
from ace_cli.llm.litellm_model import LitellmModel


def chat_model(name: str, *, notify: Callable[[str], None] | None = None, **reached: Any) -> LitellmModel:
    """The chat model ``name``; ``reached`` is how (``api_base``, ``api_key`` ...)."""
    return LitellmModel(Endpoint(name, **reached), notify=notify)
