"""The playbook's part of the Generator's prompt, for programs of the user's own: production reads what was measured.

It is the part of the system message that holds the bullets, heading and all; how to reply stays with whoever asks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from ace_cli.embeddings import make_embedder
from ace_cli.errors import UsageError
from ace_cli.llm.base import PromptStyle
from ace_cli.llm.factory import LOCAL, make_embedding_model, make_model
from ace_cli.playbook import GENERAL, Bullet, Playbook
from ace_cli.playbook.render import lines
from ace_cli.settings import Settings
from ace_cli.settings.layers import FLAG, Layer, fold
from ace_cli.settings.recorded import identity_of_header
from ace_cli.stages.prompts import Prompts, load_prompts
from ace_cli.stages.retrieval import BulletSelector, Nearest
from ace_cli.stages.salience import common_words_of

_ONE_AT_A_TIME = threading.Lock()
"""A selector is kept between calls, which may come from several threads."""


def playbook_prompt(
    playbook: Playbook,
    question: str = "",
    domain: str = GENERAL,
    *,
    model: str = "",
    context_budget: int | None = None,
    max_bullets: int | None = None,
    prompts: Path | None = None,
) -> str:
    """See :meth:`ace_cli.playbook.Playbook.prompt`."""
    settings = _settings(playbook, model=model, context_budget=context_budget, max_bullets=max_bullets)
    style, most = style_of(settings), limit_of(settings)
    bullets = playbook.for_domain(domain)
    if not fits(bullets, most, settings.training.context_budget):
        selector = _selector(_key(settings, common_words_of(playbook)))
        chosen = _now(selector, bullets, question)
        if len(chosen) < len(bullets) and not question.strip():
            raise UsageError(
                f"{len(bullets)} bullets are more than a prompt gets, and no question says which ones it needs",
                'Give it: playbook.prompt(question="...").',
            )
        bullets = chosen
    return part(load_prompts(prompts), bullets, style, question)


def part(prompts: Prompts, bullets: Sequence[Bullet], style: PromptStyle, question: str = "") -> str:
    """The paragraphs of the Generator's prompt that hold the bullets; empty without any."""
    name = "generator_plain.txt" if style is PromptStyle.PLAIN else "generator.txt"
    return prompts.part(name, "bullets", {"bullets": lines(bullets), "question": question})


def style_of(settings: Settings) -> PromptStyle:
    """How the Generator of these settings is asked."""
    role = settings.models.generator
    if role.prompt_style != "auto":
        return PromptStyle(role.prompt_style)
    return PromptStyle.PLAIN if role.model.startswith(LOCAL) else PromptStyle.JSON


def limit_of(settings: Settings) -> int | None:
    """Most bullets in a prompt; None for as many as fit."""
    training = settings.training
    few = training.max_bullets_plain if style_of(settings) is PromptStyle.PLAIN else None
    return few if training.max_bullets is None else training.max_bullets


def fits(bullets: Sequence[Bullet], most: int | None, budget: int) -> bool:
    """Whether all of them certainly fit: no tokenizer makes more tokens than there are bytes."""
    return (most is None or len(bullets) <= most) and len(lines(bullets).encode()) + len(bullets) <= budget


def settings_of_header(playbook: Playbook) -> Settings:
    """Those that the header of a playbook names; the usual ones where it names none."""
    return _settings(playbook)


def _settings(playbook: Playbook, *, model: str = "", **training: int | None) -> Settings:
    said: dict[str, Any] = {
        f"training.{name}": value for name, value in training.items() if value is not None
    }
    if model:
        said["models.generator.model"] = model
    header = Layer("the playbook's header", 0, identity_of_header(playbook.training_config))
    return fold([header, Layer("arguments", FLAG, said)]).settings


_Key = tuple[str, str, int, int | None, bool, tuple[str, ...]]


def _key(settings: Settings, common: tuple[str, ...]) -> _Key:
    models, training = settings.models, settings.training
    by_words = training.retrieval == "words"
    return (
        models.generator.model,
        models.embedding,
        training.context_budget,
        limit_of(settings),
        by_words,
        common,
    )


@lru_cache(maxsize=8)
def _selector(key: _Key) -> BulletSelector:
    """Kept, since it embeds a playbook's bullets only once."""
    model, embedding, budget, most, by_words, common = key
    embedder = make_embedder(embedding, make_embedding_model(embedding).embed)
    nearest = Nearest(embedder, common, by_words=by_words)
    return BulletSelector(nearest, make_model(model).count_tokens, budget_tokens=budget, max_bullets=most)


def _now(selector: BulletSelector, bullets: Sequence[Bullet], question: str) -> tuple[Bullet, ...]:
    """The selection, whether or not an event loop is running (a notebook)."""

    def run() -> tuple[Bullet, ...]:
        return asyncio.run(selector.select(bullets, question))

    with _ONE_AT_A_TIME:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()
