"""litellm, imported once: silent, without any call home, and under watch (:mod:`ace_cli.llm.wire`)."""

from __future__ import annotations

import logging
import os
import warnings
from functools import cache
from typing import Any


@cache
def load_litellm() -> Any:
    """The litellm module, imported on first use (2 s, 160 MB).

    Untyped on purpose: what it returns and raises differs from what its annotations say.
    """
    # Read while litellm is imported: take the price table in the wheel instead of downloading one.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault(
        "LITELLM_MODE", "PRODUCTION"
    )  # or it would take a project's .env for the user's environment
    os.environ.setdefault("LITELLM_DISABLE_BUG_REPORT_LINK", "true")
    import litellm

    from ace_cli.llm.lean import lighten
    from ace_cli.llm.listeners import spare
    from ace_cli.llm.wire import watch

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_hf_tokenizer_download = True  # a token count is no reason to reach for a network
    # litellm drops a coroutine when a call is cancelled before it began: no concern of the user's
    warnings.filterwarnings("ignore", r"coroutine '[\w.]*acompletion' was never awaited", RuntimeWarning)
    # a server's odd field is no concern either: what matters of a reply is read and checked by us
    warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # every failure reaches our caller anyway
    for name in ("openai", "httpx", "httpcore", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at DEBUG they write down headers, with the keys
    watch()
    spare()
    lighten()
    return litellm


def count_tokens(model: str, text: str) -> int:
    """Tokens of ``text`` for ``model``: by the tokenizer that litellm ships for it, else by its general one."""
    return int(load_litellm().token_counter(model=model, text=text))
