"""A model behind several servers, which is used like one behind a single server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ace_cli.llm.base import ChatReply, ChatRequest, EmbeddingReply
from ace_cli.llm.embedding import EmbeddingModel
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.llm.servers import Servers


class BalancedModel:
    """A :class:`~ace_cli.llm.base.ChatModel`. What a server does not take is left out for that server alone."""

    def __init__(self, servers: Servers[LitellmModel]) -> None:
        self._servers = servers
        self._any = servers.models[0]
        self.name, self.style = self._any.name, self._any.style

    async def complete(self, request: ChatRequest) -> ChatReply:
        return await self._servers.ask(lambda model: model.complete(request))

    def count_tokens(self, text: str) -> int:
        return self._any.count_tokens(text)

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._any.price(prompt_tokens, completion_tokens)

    async def close(self) -> None:
        await asyncio.gather(*(model.close() for model in self._servers.models))


class BalancedEmbedding:
    """As an :class:`~ace_cli.llm.embedding.EmbeddingModel`."""

    def __init__(self, servers: Servers[EmbeddingModel]) -> None:
        self._servers = servers
        self._any = servers.models[0]
        self.name = self._any.name

    async def embed(self, texts: Sequence[str]) -> EmbeddingReply:
        return await self._servers.ask(lambda model: model.embed(texts))

    def price(self, prompt_tokens: int) -> float | None:
        return self._any.price(prompt_tokens)

    async def close(self) -> None:
        await asyncio.gather(*(model.close() for model in self._servers.models))
