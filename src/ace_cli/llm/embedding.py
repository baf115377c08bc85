"""One embedding call through litellm."""

from __future__ import annotations

from collections.abc import Sequence

from ace_cli.llm.base import TransientError


async def embed(model: str, texts: Sequence[str], *, api_base: str | None = None) -> list[list[float]]:
    """Vectors in the order of ``texts``, as the provider gave them (not normalised).

    Raises:
        ModelError: one of its three children, as for a chat call; :class:`TransientError` for a reply that is none.
    """
    from ace_cli.llm.litellm_model import load_litellm, map_error

    litellm = load_litellm()
    try:
        reply = await litellm.aembedding(model=model, input=list(texts), api_base=api_base, max_retries=0)
    except Exception as error:
        raise map_error(error, model) from error
    rows: dict[int, list[float]] = {}
    for position, item in enumerate(getattr(reply, "data", None) or []):
        index = item.get("index")
        vector = item.get("embedding")
        if isinstance(vector, list) and vector:
            rows[position if index is None else int(index)] = [float(number) for number in vector]
    if set(rows) != set(range(len(texts))):
        raise TransientError(
            f"{model} gave {len(rows)} vectors for {len(texts)} texts",
            "Is it an embedding model?",
            kind="bad_reply",
            endpoint=False,
        )
    return [rows[position] for position in range(len(texts))]
