"""Tokens of a text by a model's tokenizer, without making the model."""

from __future__ import annotations

import os


def count_tokens(model: str, text: str) -> int:
    """Tokens of ``text`` for ``model``: by the tokenizer that litellm ships for it, else by its general one.

    Nothing is downloaded: a tokenizer that is not on this machine is replaced by the general one.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.disable_hf_tokenizer_download = True
    return int(litellm.token_counter(model=model, text=text))
