"""The card (README.md) of a playbook in a repository for data sets: YAML front matter that names its rows, then words.

The fields are those of https://huggingface.co/docs/hub/datasets-cards; whose the text is and who may use it is the user's to say.
"""

from __future__ import annotations

from collections import Counter

from ace_cli.playbook.bullet import Bullet, Section
from ace_cli.playbook.evidence import Evidence, content_hash, recorded_evidence
from ace_cli.playbook.filters import best_first
from ace_cli.playbook.formats.markdown import escape, list_item, yaml_text
from ace_cli.playbook.playbook import Playbook
from ace_cli.text import visible_line

ROWS = "bullets.parquet"
"""The file of bullets beside the card, one row each."""
PLAYBOOK = "playbook.json"
CARD = "README.md"

_BEST = 10
"""Bullets that the card shows."""

_FRONT = """---
# Whose text is it, and who may use it? Name a license before others see it, for example:
# license: cc-by-4.0
pretty_name: {title}
tags:
- playbook
- prompt
- agentic-context-engineering
configs:
- config_name: default
  data_files:
  - split: train
    path: {rows}
---
"""

_USE = """
## How to use it

```python
from datasets import load_dataset

bullets = load_dataset("NAME/REPOSITORY", split="train")  # or the path of this folder
```

`{playbook}` is the same as a playbook file of `ace` (Agentic Context Engineering, [arXiv 2510.04618](https://arxiv.org/abs/2510.04618)):

```sh
ace inspect {playbook}
ace export {playbook} --format prompt
ace train --initial-playbook {playbook}
```
"""


def dump_card(playbook: Playbook, title: str) -> bytes:
    """The README.md: what it is, what was measured of it, its best bullets, how it is loaded."""
    title = visible_line(title) or "Playbook"
    return "".join(
        (
            _FRONT.format(title=yaml_text(title), rows=ROWS),
            f"\n# {escape(title)}\n\n{_about(playbook)}\n",
            f"\n## Does it help?\n\n{_measured(playbook)}\n",
            _lessons(playbook),
            _USE.format(playbook=PLAYBOOK),
        )
    ).encode()


def _about(playbook: Playbook) -> str:
    kinds = Counter(bullet.section for bullet in playbook.bullets)
    parts = [
        f"{kinds[section]} {word if kinds[section] == 1 else words}"
        for section, word, words in (
            (Section.HELPFUL, "strategy", "strategies"),
            (Section.HARMFUL, "pitfall", "pitfalls"),
            (Section.NEUTRAL, "observation", "observations"),
        )
        if kinds[section]
    ]
    if aside := sum(bullet.is_quarantined for bullet in playbook.bullets):
        parts.append(f"{aside} of them quarantined, which no prompt holds")
    what = f": {', '.join(parts)}" if parts else ""
    number = "One short lesson" if len(playbook) == 1 else f"{len(playbook):,} short lessons"
    said = f"{number} to put in front of a language model's prompt{what}."
    if learned := _learned(playbook):
        said += f" Learned {learned}."
    if domains := sorted({visible_line(bullet.domain_id) for bullet in playbook.bullets}):
        more = f" and {len(domains) - _BEST:,} more" if len(domains) > _BEST else ""
        said += f"\n\nDomains: {', '.join(map(escape, domains[:_BEST]))}{more}."
    return said


def _learned(playbook: Playbook) -> str:
    """Where it comes from, as its header says."""
    config, words = playbook.training_config, []
    for label, field in (("from", "dataset"), ("with", "generator_model"), ("and", "reflector_model")):
        value = config.get(field)
        is_told = field == "reflector_model" and value == config.get("generator_model")
        if isinstance(value, str) and value and not is_told:
            words.append(f"{label} {escape(visible_line(value))}")
    if words and playbook.created_at:
        words.append(f"on {escape(visible_line(playbook.created_at[:10]))}")
    return " ".join(words)


def _measured(playbook: Playbook) -> str:
    notes = recorded_evidence(playbook)
    if not notes:
        return "That was not measured, or nothing was shown: there is no evidence in its file."
    content = content_hash(playbook)
    rows = [_row(note, content) for note in reversed(notes)]
    head = "| date | verdict | gain, points | 95 % interval | held-out rows | against | model |\n|---|---|---|---|---|---|---|"
    return "\n".join((head, *rows))


def _row(note: Evidence, content: str) -> str:
    verdict = "helps" if note.content == content else "helped; the text was another one then"
    answers = f", {note.repeats} answers each" if note.repeats > 1 else ""
    cells = (
        _cell(note.at[:10]),
        verdict,
        f"{note.gain * 100:+.0f}",
        f"{note.low * 100:+.0f} to {note.high * 100:+.0f}",
        f"{note.rows:,} of {_cell(note.dataset)}{answers}",
        _cell(note.against) or "no playbook",
        _cell(note.model),
    )
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return escape(visible_line(text)).replace("|", "&#124;")


def _lessons(playbook: Playbook) -> str:
    used = [bullet for bullet in playbook.bullets if not bullet.is_quarantined]
    best = sorted(used, key=best_first)[:_BEST]
    if not best:
        return ""
    title = "Its lessons" if len(best) == len(used) else f"The {_BEST} best of its lessons"
    return f"\n## {title}\n\n{''.join(map(_item, best))}"


def _item(bullet: Bullet) -> str:
    item = list_item(bullet)
    return item.replace("- ", "- (pitfall) ", 1) if bullet.section is Section.HARMFUL else item
