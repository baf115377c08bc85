"""Anthropic's cache of prompts: what is marked is written, what was written is read, whole blocks from the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LOOK_BACK = 20
"""Blocks before a mark at which a prefix that was written is found."""


@dataclass
class Prefixes:
    """``least`` tokens (of four characters) are cached, or none. ``written`` counts all that was, ``marks`` the requests with one."""

    least: int
    written: int = 0
    marks: int = 0
    _kept: set[tuple[str, ...]] = field(default_factory=set)

    def used(self, system: str | Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Tokens read from the cache, and written into it, for this system prompt."""
        blocks = [{"text": system}] if isinstance(system, str) else list(system)
        texts = [str(block["text"]) for block in blocks]
        marked = [place for place, block in enumerate(blocks, 1) if block.get("cache_control")]
        self.marks += bool(marked)
        ends = [end for mark in marked for end in range(mark, max(0, mark - LOOK_BACK), -1)]
        read = max((end for end in ends if tuple(texts[:end]) in self._kept), default=0)
        kept = [mark for mark in marked if mark > read and self._tokens(texts[:mark]) >= self.least]
        self._kept.update(tuple(texts[:mark]) for mark in kept)
        written = self._tokens(texts[read : max(kept, default=read)])
        self.written += written
        return self._tokens(texts[:read]), written

    @staticmethod
    def _tokens(texts: Sequence[str]) -> int:
        return sum(map(len, texts)) // 4
