"""Forms that people and coding agents read: Markdown, SKILL.md and a section of AGENTS.md.

A bullet is one list item whatever it holds: what would start a block, a tag, a link or a comment is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import orjson

from ace_cli.errors import UsageError
from ace_cli.playbook.bullet import GENERAL, Bullet, Section
from ace_cli.playbook.evidence import evidence_words
from ace_cli.playbook.playbook import Playbook
from ace_cli.text import visible, visible_line

BEGIN = "<!-- ace:begin (written by `ace export`; what stands between these marks is replaced) -->"
END = "<!-- ace:end -->"
_BEGIN_LINE = re.compile(rb"^<!-- ace:begin\b[^\r\n]*-->", re.MULTILINE)
_END_LINE = re.compile(rb"^<!-- ace:end -->", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"
_TITLES = {
    Section.HELPFUL: "What works",
    Section.HARMFUL: "Pitfalls to avoid",
    Section.NEUTRAL: "Good to know",
}
_INLINE = re.compile(r"[\\`*_\[\]~]|<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_LINE_START = re.compile(r"^(?:([-+=#>|:])|(\d{1,9})([.)]))")


def escape(line: str) -> str:
    """``line`` as Markdown that shows just these characters and starts nothing."""
    escaped = _INLINE.sub(lambda m: {"<": "&lt;", "&": "&amp;"}.get(m.group(), "\\" + m.group()), line)
    return _LINE_START.sub(lambda m: "\\" + m[1] if m[1] else f"{m[2]}\\{m[3]}", escaped)


def dump_markdown(playbook: Playbook) -> bytes:
    """A document to read: by domain and kind, with votes."""
    config = playbook.training_config
    facts = [f"{len(playbook)} bullets"]
    for label, field in (("trained on", "dataset"), ("with", "generator_model")):
        if isinstance(config.get(field), str):
            facts.append(f"{label} {escape(visible_line(config[field]))}")
    if playbook.created_at:
        facts.append(f"on {escape(visible_line(playbook.created_at[:10]))}")
    lessons = _lessons(playbook, "##", _with_votes, always_by_domain=True)
    return f"# Playbook\n\n{', '.join(facts)}.\n{_evidence(playbook)}{lessons}".encode()


def dump_skill(playbook: Playbook, name: str, description: str = "") -> bytes:
    """A SKILL.md: YAML front matter (``name``, ``description``), then the lessons.

    Args:
        name: any text; made into lower-case words joined by hyphens, at most 64 characters.
        description: at most 1,024 characters; "" describes the domains.

    Raises:
        UsageError: the description is too long.
    """
    slug = skill_name(name)
    description = visible_line(description) or _description(playbook)
    if len(description) > 1024:
        raise UsageError(
            f"the skill's description has {len(description)} characters", "At most 1,024 are allowed."
        )
    title = slug.replace("-", " ").capitalize()
    front = f"---\nname: {slug if _PLAIN_YAML.fullmatch(slug) else yaml_text(slug)}\ndescription: {yaml_text(description)}\n---\n"
    return (
        f"{front}\n# {title}\n\n{_INTRO}\n{_evidence(playbook)}{_lessons(playbook, '##', list_item)}".encode()
    )


def skill_name(text: str) -> str:
    """``My Playbook_v2`` -> ``my-playbook-v2``; ``playbook`` when nothing usable is in it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-") or "playbook"


def yaml_text(text: str) -> str:
    """``text`` as a YAML string: a JSON string is one, where what YAML does not print stands as an escape."""
    return re.sub(r".", lambda m: m[0] if m[0].isprintable() else _escaped(m[0]), orjson.dumps(text).decode())


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08X}"


def list_item(bullet: Bullet) -> str:
    """One item of a list, its lines within it."""
    return f"- {_content(bullet)}\n"


def dump_agents_section(playbook: Playbook) -> bytes:
    """The marked section, for AGENTS.md, CLAUDE.md and their like."""
    lessons = _lessons(playbook, "###", list_item)
    return f"{BEGIN}\n## Lessons learned\n\n{_INTRO}\n{_evidence(playbook)}{lessons}{END}\n".encode()


def merge_section(existing: bytes, section: bytes, name: str) -> bytes:
    """``existing`` with its marked section replaced, or with one appended; all other bytes stay as they are.

    The section takes the line ends that the file uses.

    Raises:
        UsageError: the marks in the file do not make one pair.
    """
    bom, existing = existing[: len(existing) - len(existing.removeprefix(_BOM))], existing.removeprefix(_BOM)
    begins, ends = list(_BEGIN_LINE.finditer(existing)), list(_END_LINE.finditer(existing))
    newline = b"\r\n" if existing.count(b"\r\n") * 2 > existing.count(b"\n") else b"\n"
    section = section.replace(b"\n", newline)
    if not begins and not ends:
        gap = b"" if not existing else newline if existing.endswith(b"\n") else newline * 2
        return bom + existing + gap + section
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].end():
        marks = sorted([*begins, *ends], key=lambda match: match.start())
        line = existing[: marks[-1].start()].count(b"\n") + 1
        raise UsageError(
            f"{name}: the marks of the ace section do not make one pair (line {line})",
            "Leave one '<!-- ace:begin -->' line and one '<!-- ace:end -->' line after it, or neither.",
        )
    return bom + existing[: begins[0].start()] + section.removesuffix(newline) + existing[ends[0].end() :]


_PLAIN_YAML = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z][a-z0-9-]*")
_INTRO = "Lessons learned in training. Apply those that fit the task; ignore the others."


def _evidence(playbook: Playbook) -> str:
    """A paragraph on what was measured; nothing where nothing was."""
    words = evidence_words(playbook)
    return f"\n{escape(words)}\n" if words else ""


def _lessons(
    playbook: Playbook, level: str, item: Callable[[Bullet], str], *, always_by_domain: bool = False
) -> str:
    """By domain (where there are several; ``general`` first) and kind, under headings of ``level`` and below."""
    ordered = sorted(playbook.bullets, key=lambda b: (b.domain_id != GENERAL, b.domain_id))
    domains = [(domain, list(group)) for domain, group in groupby(ordered, key=lambda b: b.domain_id)]
    named = always_by_domain or len(domains) > 1
    parts: list[str] = []
    for domain, bullets in domains:
        if named:
            parts.append(f"\n{level} {escape(visible_line(domain)) or GENERAL}\n")
        for section, title in _TITLES.items():
            if items := [item(bullet) for bullet in bullets if bullet.section is section]:
                parts += [f"\n{level}{'#' * named} {title}\n\n", *items]
    return "".join(parts)


def _with_votes(bullet: Bullet) -> str:
    votes = (
        f"{bullet.helpful_count} helpful, {bullet.harmful_count} harmful, confidence {bullet.confidence:.2f}"
    )
    if bullet.is_quarantined:
        votes += ", quarantined"
    return f"- **{escape(visible_line(bullet.id))}** {_content(bullet)} *({votes})*\n"


def _content(bullet: Bullet) -> str:
    """Lines of the content under one list item, each broken by a backslash."""
    if bullet.content.isprintable():
        return escape(bullet.content.strip())
    lines = (escape(line.strip()) for line in visible(bullet.content).split("\n"))
    return "\\\n  ".join(line for line in lines if line)


def _description(playbook: Playbook) -> str:
    domains = [visible_line(domain) for domain in sorted({b.domain_id for b in playbook.bullets} - {GENERAL})]
    what = f"tasks about {', '.join(domains)}" if domains else "tasks of the kind it was trained on"
    text = f"Lessons and pitfalls learned from worked examples. Use for {what}."
    if len(text) > 1024:
        text = f"Lessons and pitfalls learned from worked examples, for {len(domains)} domains. Use for such tasks."
    return text
