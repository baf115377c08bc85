"""Taking a playbook along: the bullets that are wanted, fitted into a number of tokens, in a format, to where it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from ace_cli.errors import UsageError
from ace_cli.playbook import Bullet, Playbook
from ace_cli.playbook.filters import BulletFilter, best_first
from ace_cli.report.formats import FORMATS, Content, Format
from ace_cli.report.text import printable
from ace_cli.runs.reader import RunReader


@dataclass(frozen=True, slots=True)
class Exported:
    """What was rendered: ``data`` of ``path`` (None: standard output), and ``words`` on it."""

    data: bytes
    path: Path | None
    words: tuple[str, ...]


def export(
    playbook: Playbook,
    run: RunReader | None,
    form: Format,
    wanted: BulletFilter,
    *,
    output: Path | None,
    name: str,
    default_name: str,
    description: str = "",
    max_tokens: int | None = None,
    model: str = "",
) -> Exported:
    """Choose and render; nothing is written.

    Args:
        output: where it shall go; None for standard output.
        name: title of the page or name of the skill; else that of where it goes, else ``default_name``.
        max_tokens: as many of the best bullets as fit, by the tokenizer of ``model`` (default: the generator's).

    Raises:
        UsageError: no bullet is left, or the format cannot hold what is asked of it.
    """
    if wanted.domain is not None:
        _check_domain(wanted.domain, playbook.bullets)
    chosen = wanted.apply(playbook.bullets)
    path = form.place(output) if output is not None else None
    title = name or (form.title(path) if path is not None else "") or default_name
    words = []
    if max_tokens is not None:
        content = Content(playbook, title, description)
        chosen, said = _fitted(content, chosen, max_tokens, form, model)
        words.append(said)
    if not chosen and len(playbook):
        raise UsageError(
            f"none of the {len(playbook)} bullets passes the filters, so nothing is written",
            "Loosen the filters; quarantined bullets need --include-quarantined.",
        )
    data = form.render(Content(playbook.with_bullets(chosen), title, description, run))
    words.append(_summary(playbook.bullets, chosen, form, path, title))
    return Exported(data, path, tuple(words))


def _check_domain(domain: str, bullets: Sequence[Bullet]) -> None:
    known = sorted({bullet.domain_id for bullet in bullets})
    if bullets and domain not in known:
        near = get_close_matches(domain, known, n=3, cutoff=0.5) or known[:5]
        raise UsageError(
            f"no bullet is of the domain {printable(domain)!r}",
            f"There is: {', '.join(map(printable, near))}.",
        )


def _summary(
    bullets: Sequence[Bullet], chosen: Sequence[Bullet], form: Format, path: Path | None, title: str
) -> str:
    where = f" to {printable(str(path))}" if path is not None else ""
    words = [f"{len(chosen)} of {len(bullets)} bullets{where} as {form.name}"]
    left_out = sum(b.is_quarantined for b in bullets) - sum(b.is_quarantined for b in chosen)
    if left_out:
        words.append(f"{left_out} quarantined left out (--include-quarantined)")
    if remark := form.remark(path, title):
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
            f"not even the best bullet fits into {limit} tokens",
            f"The shortest one takes {least} as {measured.name}.",
        )
    return chosen, f"{tokens(chosen)} of {limit} tokens ({measured.name}, tokenizer of {model})"


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
