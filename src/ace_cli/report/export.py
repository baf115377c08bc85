"""Which bullets are exported, fitted into a number of tokens, and the remarks on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet
from ace_cli.playbook.filters import BulletFilter, best_first, check_domain
from ace_cli.report.format import count
from ace_cli.report.formats import FORMATS, Content, Format
from ace_cli.report.text import printable


def choose(
    content: Content, form: Format, wanted: BulletFilter, max_tokens: int | None = None, model: str = ""
) -> tuple[Content, str]:
    """``content`` with the bullets that are wanted, and a word on the tokens if there is a limit.

    Args:
        max_tokens: as many of the best bullets as fit, by the tokenizer of ``model`` (default: the generator's).

    Raises:
        UsageError: no bullet is left.
    """
    playbook = content.playbook
    if wanted.domain is not None:
        check_domain(wanted.domain, playbook.bullets)
    chosen, said = replace(wanted, and_general=form.for_models).apply(playbook.bullets), ""
    if max_tokens is not None:
        chosen, said = _fitted(content, chosen, max_tokens, form, model)
    if not chosen and len(playbook):
        raise UsageError(
            f"none of the {count(len(playbook), 'bullet')} passes the filters, so nothing is written",
            "Loosen the filters; quarantined bullets need --include-quarantined.",
        )
    return replace(content, playbook=playbook.with_bullets(chosen)), said


def describe(everything: Content, chosen: Content, form: Format, path: Path | None) -> str:
    """How much was written, where, and what a user should know of it."""
    bullets, written = everything.playbook.bullets, chosen.playbook.bullets
    where = f" to {printable(str(path))}" if path is not None else ""
    words = [f"{len(written):,} of {count(len(bullets), 'bullet')}{where} as {form.name}"]
    if left_out := sum(b.is_quarantined for b in bullets) - sum(b.is_quarantined for b in written):
        words.append(f"{left_out} quarantined left out (--include-quarantined)")
    if remark := form.remark(path, chosen.title):
        words.append(remark)
    return "; ".join(words)


def _fitted(
    content: Content, bullets: Sequence[Bullet], limit: int, form: Format, model: str
) -> tuple[tuple[Bullet, ...], str]:
    """The bullets that fit, and a word on it. What no model reads is measured as prompt lines."""
    from ace_cli.llm.library import count_tokens

    recorded = content.playbook.training_config.get("generator_model")
    model = model or (recorded if isinstance(recorded, str) and recorded else "gpt-4o")
    measured = form if form.for_models or form.name == "markdown" else FORMATS["prompt"]

    def tokens(some: Sequence[Bullet]) -> int:
        playbook = content.playbook.with_bullets(some)
        return count_tokens(model, measured.render(replace(content, playbook=playbook)).decode())

    chosen = fit(bullets, limit, tokens)
    if bullets and not chosen:
        least = tokens([min(bullets, key=lambda bullet: len(bullet.content))])
        raise UsageError(
            f"not even the best bullet fits into {limit:,} tokens",
            f"The shortest one takes {least} as {measured.name}.",
        )
    return chosen, f"{tokens(chosen):,} of {limit:,} tokens ({measured.name}, tokenizer of {model})"


def fit(
    bullets: Sequence[Bullet], limit: int, tokens: Callable[[Sequence[Bullet]], int]
) -> tuple[Bullet, ...]:
    """The best bullets, as many as stay within ``limit`` tokens, in the order that they have.

    Args:
        tokens: of the finished text of some bullets. It grows with them, so that a few
            measurements suffice: of 1, 2, 4 ... bullets, then between the last two.
    """
    ranking = sorted(range(len(bullets)), key=lambda index: best_first(bullets[index]))

    def best(count: int) -> tuple[Bullet, ...]:
        return tuple(bullets[index] for index in sorted(ranking[:count]))

    fits, over = 0, 1
    while over <= len(bullets) and tokens(best(over)) <= limit:
        fits, over = over, over * 2
    over = min(over, len(bullets) + 1)
    while over - fits > 1:
        middle = (fits + over) // 2
        if tokens(best(middle)) <= limit:
            fits = middle
        else:
            over = middle
    return best(fits)
