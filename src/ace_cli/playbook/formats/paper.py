"""The text form of the ACE paper (arXiv 2510.04618), as its tools write and read it.

    ## STRATEGIES & INSIGHTS
    [str-00001] helpful=5 harmful=0 :: Check the units before adding.

    ## COMMON MISTAKES TO AVOID | domain: finance
    [err-00002] helpful=1 harmful=0 :: Basis points are not percent.

It carries id, content (on one line), both counts and the section; the domain stands in the header after ``| domain:``,
which other tools read as part of the section's name. Stage, sources, times and neutral votes are not carried.
"""

from __future__ import annotations

import re
from typing import Any

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import GENERAL, Bullet, Section
from ace_cli.playbook.playbook import Playbook
from ace_cli.text import visible_line

LINE = re.compile(r"\[(.+?)\]\s*helpful=(\d+)\s+harmful=(\d+)((?:\s+\w+=\S+)*)\s*::\s?(.*)", re.DOTALL)
_STARTED = re.compile(r"\[[^\]\s]+(\]\s*helpful\b|\]?$)")
_DOMAIN = " | domain: "
_HEADERS = {
    Section.HELPFUL: "STRATEGIES & INSIGHTS",
    Section.HARMFUL: "COMMON MISTAKES TO AVOID",
    Section.NEUTRAL: "OBSERVATIONS",
}
_PITFALL = re.compile(
    r"\b(mistakes?|pitfalls?|avoid|errors?|warnings?|harmful|don'?ts?|failures?)\b", re.IGNORECASE
)
_NEUTRAL = re.compile(r"\b(observations?|neutral|notes?)\b", re.IGNORECASE)


def section_of(name: str) -> Section:
    """Which of our three kinds another tool's section is, judged by the words of its name."""
    words = name.replace("_", " ")
    if _PITFALL.search(words):
        return Section.HARMFUL
    return Section.NEUTRAL if _NEUTRAL.search(words) else Section.HELPFUL


def looks_like_paper(text: str) -> bool:
    """Whether the first line that says anything is a header or a bullet of this form."""
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return first.startswith("#") or LINE.fullmatch(first) is not None


def parse_paper(text: str, name: str) -> list[dict[str, Any]]:
    """Rows as in our own files. A line without a marker goes on with the bullet above it.

    Raises:
        UsageError: text before the first bullet, or a bullet cut short, naming the line.
    """
    rows: list[dict[str, Any]] = []
    section, domain = "", GENERAL
    last: dict[str, Any] | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line:
            continue
        if line.startswith("#"):
            section, _, found = line.lstrip("#").strip().partition(_DOMAIN)
            domain, last = found or GENERAL, None
        elif match := LINE.fullmatch(line):
            last = _row(match, section, domain)
            rows.append(last)
        elif last is None or _STARTED.match(line):
            raise UsageError(
                f"{name}: line {number} is not a bullet: {line!r:.60}",
                "A bullet looks like: [str-00001] helpful=5 harmful=0 :: content",
            )
        else:
            last["content"] = f"{last['content']}\n{line}".strip()
    return rows


def dump_paper(playbook: Playbook) -> bytes:
    """Bullets under their headers, headers in the order in which they first occur."""
    groups: dict[str, list[str]] = {}
    for bullet in playbook.bullets:
        groups.setdefault(_header(bullet), []).append(
            f"[{visible_line(bullet.id)}] helpful={bullet.helpful_count} harmful={bullet.harmful_count}"
            f" :: {visible_line(bullet.content)}\n"
        )
    return "\n".join(f"## {header}\n{''.join(lines)}" for header, lines in groups.items()).encode()


def _row(match: re.Match[str], section: str, domain: str) -> dict[str, Any]:
    bullet_id, helpful, harmful, _, content = match.groups()
    row = {
        "id": bullet_id,
        "content": content,
        "domain_id": domain,
        "section": section_of(section).value,
        "helpful_count": int(helpful[:20]),  # more digits are no count: Bullet.from_dict says so
        "harmful_count": int(harmful[:20]),
    }
    if section and section not in _HEADERS.values():
        row["paper_section"] = section  # kept, so that it is written as it came
    return row


def _header(bullet: Bullet) -> str:
    own = bullet.extra.get("paper_section")
    title = visible_line(own) if isinstance(own, str) else ""
    if not title or section_of(title) is not bullet.section:
        title = _HEADERS[bullet.section]
    title = title.replace(_DOMAIN, " ")
    domain = visible_line(bullet.domain_id)
    return title if domain in ("", GENERAL) else f"{title}{_DOMAIN}{domain}"
