"""From settings to what a run works with: models by role, stages, the embedder, the selection of bullets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ace_cli.data import Example
from ace_cli.embeddings import WORDLLAMA, make_embedder
from ace_cli.embeddings.base import Embedder
from ace_cli.embeddings.cached import CachedEmbedder
from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.example import Select
from ace_cli.engine.ledger import Price, Quote
from ace_cli.errors import UsageError
from ace_cli.files import digest
from ace_cli.llm.base import ChatModel, EmbeddingReply, PromptStyle
from ace_cli.llm.factory import LOCAL, make_embedding_model, make_model
from ace_cli.llm.hosts import place_of
from ace_cli.llm.retry import CircuitBreaker
from ace_cli.playbook import Delta, Playbook, PlaybookStage
from ace_cli.plugins import load, names_a_part
from ace_cli.runs.reader import EMBEDDING
from ace_cli.runs.records import Usage
from ace_cli.runs.store import PaidVectors, RunStore
from ace_cli.scoring import get_scorer
from ace_cli.settings import ModelsSettings, RoleSettings, Settings, TrainingSettings
from ace_cli.stages.base import Ask, Curator, Generator, MergeItem, Reflector, Stages
from ace_cli.stages.prompts import Prompts

if TYPE_CHECKING:
    from ace_cli.embeddings.base import Vector
    from ace_cli.stages.retrieval import Shown


@dataclass(frozen=True, slots=True)
class Replacements:
    """Stages handed over as objects (the Python API); None leaves the one that the settings name."""

    generator: Generator | None = None
    reflector: Reflector | None = None
    curator: Curator | None = None


NO_REPLACEMENTS = Replacements()


def make_roles(models: ModelsSettings, notify: Callable[[str], None] | None = None) -> dict[str, Role]:
    """generator, reflector, and curator where one is set. ``notify`` is called with what a model does not take, and
    with servers that are left out or back.

    Raises:
        UsageError: a model is not available here (a missing extra, a missing file).
    """
    made: dict[str, tuple[ChatModel, CircuitBreaker]] = {}
    roles = {}
    for name, role in models.roles.items():
        # What makes two roles ask the same endpoint in the same way; parameters go with each request.
        key = repr([getattr(role, field) for field in _SHARED_BY]) + _secrets(role)
        if key not in made:
            model = make_model(
                role.model or "", role, api_base=models.api_base, callbacks=models.callbacks, notify=notify
            )
            made[key] = model, CircuitBreaker()
        model, breaker = made[key]
        place = place_of(role.model or "", role.api_base or models.api_base)
        roles[name] = Role(name, model, breaker, role.temperature, role.max_tokens, role.extra, place)
    return roles


def with_curator(settings: Settings, roles: Mapping[str, Role]) -> dict[str, Role]:
    """``roles``, and the reflector's model as the curator where one is to be asked and none is named.

    Not where the Reflector is somebody's own: nobody knows whether its model is one that answers.
    """
    stages = settings.stages
    if "curator" in roles or stages.curator not in ASKING or stages.reflector != "default":
        return dict(roles)
    return {**roles, "curator": replace(roles["reflector"], name="curator")}


ASKING = ("auto", "llm")
"""The curators of ours that may ask a model."""

_SHARED_BY = ("model", "api_base", "timeout", "prompt_style", "input_price", "output_price")


def _secrets(role: RoleSettings) -> str:
    headers = sorted((name, value.get_secret_value()) for name, value in role.headers.items())
    return repr((role.api_key and role.api_key.get_secret_value(), headers))


def models_of(models: ModelsSettings, roles: Mapping[str, Role]) -> dict[str, tuple[str, str]]:
    """What tells the model of a role from others, by who is paid: a model behind an address. Not those of this machine."""
    found = {
        name: (role.model.name, role.place)
        for name, role in roles.items()
        if not role.model.name.startswith(LOCAL)
    }
    found[EMBEDDING] = (
        models.embedding,
        place_of(models.embedding, models.embedding_api_base or models.api_base),
    )
    return found


def require_prices(settings: Settings, roles: Mapping[str, Role]) -> None:
    """A cost limit needs to know what calls cost.

    Raises:
        UsageError: naming the model without a price, and how to give one.
    """
    if settings.limits.max_cost is None:
        return
    for name, price in _prices(settings.models, roles).items():
        if price(1000, 1000) is None:
            model = settings.models.embedding if name == EMBEDDING else roles[name].model.name
            keys = (
                "models.embedding_price"
                if name == EMBEDDING
                else f"models.{name}.input_price and models.{name}.output_price"
            )
            raise UsageError(
                f"--max-cost needs the price of {model}, which is unknown",
                f"Set {keys} (US dollars per million tokens).",
            )


def priced(settings: Settings, spent: Mapping[str, Usage], roles: Mapping[str, Role]) -> dict[str, Usage]:
    """``spent`` with today's prices where the cost was unknown when it was spent: a cost limit must not count it as nothing."""
    if settings.limits.max_cost is None:
        return dict(spent)
    prices = _prices(settings.models, roles)
    return {
        name: replace(usage, cost_usd=prices[name](usage.prompt_tokens, usage.completion_tokens))
        if usage.cost_usd is None and name in prices
        else usage
        for name, usage in spent.items()
    }


def _prices(models: ModelsSettings, roles: Mapping[str, Role]) -> dict[str, Price]:
    """What tokens cost, by who is paid."""
    prices: dict[str, Price] = {name: role.model.price for name, role in roles.items()}
    if not names_a_part("embedder", models.embedding) and models.embedding != WORDLLAMA:
        prices[EMBEDDING] = _embedding_price(models)
    return prices


def _embedding_price(models: ModelsSettings) -> Price:
    model = make_embedding_model(models.embedding, models)
    return lambda tokens, _: model.price(tokens)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What stages are made of, in this process or in a worker: unless some are handed over as objects, it can be pickled."""

    settings: Settings
    prompts: Prompts
    replacements: Replacements = NO_REPLACEMENTS
    run: str = ""
    """What callbacks know the run by."""

    def make(self, embedder: Embedder | None) -> Stages:
        """The stages and the scorer: by object where one is given, else by the settings.

        Args:
            embedder: of the merge; None in a worker, where nothing is merged.

        Raises:
            UsageError: one is not available.
        """
        from ace_cli.stages.generator import DefaultGenerator
        from ace_cli.stages.reflector import DefaultReflector

        given, training, prompts = self.replacements, self.settings.training, self.prompts
        editions = self.settings.stages
        return Stages(
            given.generator
            or self._part(
                "generator", {"default": lambda: DefaultGenerator(prompts, editions.generator_edition)}
            ),
            get_scorer(training.scorer, training.scorer_args),
            given.reflector
            or self._part(
                "reflector", {"default": lambda: DefaultReflector(prompts, editions.reflector_edition)}
            ),
            _NoCurator() if embedder is None else given.curator or self._curator(embedder),
        )

    def _curator(self, embedder: Embedder) -> Curator:
        from ace_cli.embeddings.index import MANY
        from ace_cli.sameness.by_rules import RuleSameness
        from ace_cli.sameness.learned import LearnedSameness
        from ace_cli.stages.admission import Admission
        from ace_cli.stages.curator import SemanticCurator
        from ace_cli.stages.llm_curator import BELOW, LlmCurator
        from ace_cli.stages.remembered import RememberedSameness

        training = self.settings.training
        threshold, edition = training.similarity_threshold, self.settings.stages.curator_edition
        below = 0.0 if self.settings.stages.curator == "semantic" else BELOW
        sameness = self._part(
            "sameness",
            {
                "learned": lambda: RememberedSameness(LearnedSameness(threshold, edition)),
                "rules": lambda: RememberedSameness(RuleSameness(threshold, below)),
            },
        )
        semantic = SemanticCurator(
            embedder,
            sameness,
            PlaybookStage(training.target_stage),
            Admission(self.prompts.texts.values()),
            link_repeated=edition > 1,
            approximate_from=MANY if edition > 1 else None,
        )
        curators = {
            "auto": lambda: LlmCurator(semantic, self.prompts.texts["curator.txt"], only_unsure=True),
            "semantic": lambda: semantic,
            "llm": lambda: LlmCurator(semantic, self.prompts.texts["curator.txt"]),
        }
        curator: Curator = self._part("curator", curators)
        return curator

    def _part(self, kind: str, ours: Mapping[str, Callable[[], object]]) -> Any:
        """The part of a kind that the settings name."""
        named = self.settings.stages
        return load(kind, getattr(named, kind), ours, getattr(named, f"{kind}_args"))


class _NoCurator:
    """Stands where merges are none of a process's business."""

    async def curate(
        self, playbook: Playbook, items: Sequence[MergeItem], ask: Ask | None, *, at: str
    ) -> Delta:
        raise NotImplementedError("merges are the driver's")


def make_select(
    training: TrainingSettings, model: ChatModel, embedder: Embedder, common: Sequence[str] | None
) -> Select:
    """What chooses the bullets of an example's prompt, for the generator's model.

    Args:
        common: words that most questions hold; None for those that each playbook's header names.
    """
    from ace_cli.stages.retrieval import BulletSelector, make_selector
    from ace_cli.stages.salience import common_words_of

    few = training.max_bullets_plain if model.style is PromptStyle.PLAIN else None

    @cache
    def selector(words: tuple[str, ...]) -> BulletSelector:
        most = few if training.max_bullets is None else training.max_bullets
        return make_selector(training, embedder, words, model.count_tokens, most)

    async def select(playbook: Playbook, example: Example) -> Shown:
        words = common_words_of(playbook) if common is None else tuple(common)
        return await selector(words).show(playbook.for_domain(example.domain), example.question)

    return select


def make_run_embedder(
    models: ModelsSettings, store: RunStore, caller: Caller, notify: Callable[[str], None] | None = None
) -> Embedder:
    """The embedder of a run: vectors are kept in its store, and a provider's go through the door of what is paid.

    ``notify`` is told of servers that are left out or back.

    Raises:
        UsageError: it is not available.
    """
    paid = PaidEmbeddings(models, store, caller, notify)
    return CachedEmbedder(
        make_embedder(models.embedding, paid, models.embedder_args), StoredVectors(store, models.embedding)
    )


class PaidEmbeddings:
    """Asks a provider for vectors: admitted, tried again, and on record together with what they cost."""

    def __init__(
        self,
        models: ModelsSettings,
        store: RunStore,
        caller: Caller,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self._model = make_embedding_model(models.embedding, models, notify)
        self._store = store
        self._caller = caller
        self._breaker = CircuitBreaker()

    async def __call__(self, texts: Sequence[str]) -> EmbeddingReply:
        async def keep(reply: EmbeddingReply, retries: int) -> EmbeddingReply:
            paid = PaidVectors(len(texts), reply.prompt_tokens, reply.cost_usd, retries, reply.seconds)
            await self._store.record_vectors(self._model.name, _rows(texts, reply), paid)
            return replace(reply, retries=retries)

        quote = Quote(
            EMBEDDING, sum(map(len, texts)), lambda tokens, _: self._model.price(tokens), completes=False
        )
        return await self._caller.paid(quote, self._breaker, lambda: self._model.embed(texts), keep)


def _rows(texts: Sequence[str], reply: EmbeddingReply) -> list[tuple[str, bytes]]:
    """Vectors as the store keeps them; none where they do not fit together, which their user will tell."""
    import numpy as np

    from ace_cli.embeddings.provider import unit_rows

    if len({len(vector) for vector in reply.vectors}) != 1:
        return []
    unit = unit_rows(np.asarray(reply.vectors, dtype=np.float64)).astype("<f4")
    return [(digest(text.encode()), row.tobytes()) for text, row in zip(texts, unit, strict=True)]


class StoredVectors:
    """Embeddings in the run store, bound to one model."""

    def __init__(self, store: RunStore, model: str) -> None:
        self._store = store
        self._model = model

    def get(self, texts: Sequence[str]) -> Mapping[str, Vector]:
        import numpy as np

        keys = {digest(text.encode()): text for text in texts}
        rows = self._store.vectors(self._model, list(keys))
        return {keys[key]: np.frombuffer(body, dtype="<f4") for key, body in rows.items()}

    async def put(self, vectors: Mapping[str, Vector]) -> None:
        rows = [(digest(text.encode()), vector.astype("<f4").tobytes()) for text, vector in vectors.items()]
        await self._store.record_vectors(self._model, rows)
