"""The stages of a run and what they work with, put together from the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ace_cli.data import Example
from ace_cli.embeddings import make_embedder
from ace_cli.embeddings.cached import CachedEmbedder
from ace_cli.engine.calls import Role
from ace_cli.llm.base import PromptStyle
from ace_cli.playbook import Bullet, Playbook, PlaybookStage
from ace_cli.plugins import load
from ace_cli.runs.store import RunStore
from ace_cli.settings import Settings
from ace_cli.stages.base import Curator, Generator, Reflector
from ace_cli.stages.prompts import Prompts

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = 3
"""Bullets in the prompt of a model that is asked in plain text (measured: more confuse a small one)."""


@dataclass(frozen=True, slots=True)
class Parts:
    generator: Generator
    reflector: Reflector
    curator: Curator
    select: Callable[[Playbook, Example], Awaitable[Sequence[Bullet]]]


@dataclass(frozen=True, slots=True)
class Replacements:
    """Stages handed over as objects (the Python API); None leaves the one that the settings name."""

    generator: Any = None
    reflector: Any = None
    curator: Any = None


NO_REPLACEMENTS = Replacements()


def make_parts(
    settings: Settings,
    prompts: Prompts,
    roles: Mapping[str, Role],
    replacements: Replacements = NO_REPLACEMENTS,
    store: RunStore | None = None,
) -> Parts:
    """Stages by object where one is given, else by the settings; embeddings are kept in ``store``.

    Raises:
        UsageError: a stage or the embedder cannot be had.
    """
    from ace_cli.sameness.by_rules import RuleSameness
    from ace_cli.stages.curator import SemanticCurator
    from ace_cli.stages.generator import DefaultGenerator
    from ace_cli.stages.llm_curator import LlmCurator
    from ace_cli.stages.reflector import DefaultReflector
    from ace_cli.stages.retrieval import BulletSelector

    training, stages = settings.training, settings.stages
    embedder: Any = make_embedder(settings.models.embedding, settings.models.api_base)
    if store is not None:
        embedder = CachedEmbedder(embedder, StoredVectors(store, settings.models.embedding))
    rules = RuleSameness(training.similarity_threshold)
    sameness = load("sameness", stages.sameness, {"rules": lambda: rules})
    semantic = SemanticCurator(embedder, sameness, PlaybookStage(training.target_stage))
    model = roles["generator"].model
    few = FEW if model.style is PromptStyle.PLAIN else None
    selector = BulletSelector(
        embedder,
        model.count_tokens,
        budget_tokens=training.context_budget,
        max_bullets=few if training.max_bullets is None else training.max_bullets,
    )

    async def select(playbook: Playbook, example: Example) -> Sequence[Bullet]:
        return await selector.select(playbook.for_domain(example.domain), example.question)

    return Parts(
        replacements.generator
        or load("generator", stages.generator, {"default": lambda: DefaultGenerator(prompts)}),
        replacements.reflector
        or load("reflector", stages.reflector, {"default": lambda: DefaultReflector(prompts)}),
        replacements.curator
        or load(
            "curator",
            stages.curator,
            {
                "semantic": lambda: semantic,
                "llm": lambda: LlmCurator(semantic, prompts.texts["curator.txt"]),
            },
        ),
        select,
    )


class StoredVectors:
    """Embeddings in the run store, bound to one model: a provider's are paid for once."""

    def __init__(self, store: RunStore, model: str) -> None:
        self._store = store
        self._model = model

    def get(self, texts: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        import numpy as np

        keys = {text_hash(text): text for text in texts}
        rows = self._store.vectors(self._model, list(keys))
        return {keys[key]: np.frombuffer(body, dtype="<f4") for key, body in rows.items()}

    def put(self, vectors: Mapping[str, NDArray[Any]]) -> Awaitable[None]:
        rows = [(text_hash(text), vector.astype("<f4").tobytes()) for text, vector in vectors.items()]
        return self._store.put_vectors(self._model, rows)


def text_hash(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
