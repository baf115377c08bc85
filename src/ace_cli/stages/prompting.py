"""The playbook's part of the Generator's prompt, for programs of the user's own: production reads what was measured.

It is the part of the system message that holds the bullets, heading and all; how to reply stays with whoever asks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ace_cli.embeddings import make_embedder
from ace_cli.errors import UsageError
from ace_cli.llm.base import PromptStyle
from ace_cli.llm.factory import LOCAL, make_embedding_model, make_model
from ace_cli.playbook import GENERAL, Bullet, Playbook
from ace_cli.playbook.render import lines
from ace_cli.settings import Settings, TrainingSettings
from ace_cli.settings.layers import FLAG, Layer, fold
from ace_cli.settings.recorded import identity_of_header
from ace_cli.stages.prompts import Prompts, load_prompts
from ace_cli.stages.retrieval import BulletSelector, Shown, make_selector
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
    style, most, training = style_of(settings), limit_of(settings), settings.training
    bullets = playbook.for_domain(domain)
    shown = Shown(bullets)
    if not fits(bullets, most, training.context_budget) or (training.near_bullets and question.strip()):
        shown = _now(_selector(_Asked.by(settings, common_words_of(playbook))), bullets, question)
        if len(shown.bullets) < len(bullets) and not question.strip():
            raise UsageError(
                f"{len(bullets)} bullets are more than a prompt gets, and no question says which ones it needs",
                'Give it: playbook.prompt(question="...").',
            )
    return part(load_prompts(prompts), shown, style, question)


def part(prompts: Prompts, shown: Shown, style: PromptStyle, question: str = "") -> str:
    """The paragraphs of the Generator's prompt that hold the bullets; empty without any."""
    name = "generator_plain.txt" if style is PromptStyle.PLAIN else "generator.txt"
    near = lines(shown.near) if question.strip() else ""
    return prompts.part(
        name, {"bullets", "near"}, {"bullets": lines(shown.bullets), "near": near, "question": question}
    )


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a selector is made of."""

    model: str
    embedding: str
    most: int | None
    limits: tuple[int, int, str]
    common: tuple[str, ...]
    training: TrainingSettings = field(compare=False)

    @classmethod
    def by(cls, settings: Settings, common: tuple[str, ...]) -> _Asked:
        model, embedding, training = (
            settings.models.generator.model,
            settings.models.embedding,
            settings.training,
        )
        limits = training.context_budget, training.near_bullets, training.retrieval
        return cls(model, embedding, limit_of(settings), limits, common, training)


@lru_cache(maxsize=8)
def _selector(asked: _Asked) -> BulletSelector:
    """Kept, since it embeds a playbook's bullets only once."""
    embedder = make_embedder(asked.embedding, make_embedding_model(asked.embedding).embed)
    count = make_model(asked.model).count_tokens
    return make_selector(asked.training, embedder, asked.common, count, asked.most)


def _now(selector: BulletSelector, bullets: Sequence[Bullet], question: str) -> Shown:
    """The selection, whether or not an event loop is running (a notebook)."""

    def run() -> Shown:
        return asyncio.run(selector.show(bullets, question))

    with _ONE_AT_A_TIME:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()
