"""Marks for providers that cache a prompt's beginning only where they are told to (Anthropic's models, wherever they are hosted).

Reading a cached prefix costs a fraction of its price, writing it a quarter more than its price, and a prefix below the model's minimum is not
kept at all. So a prefix is marked when it has been sent before, by one call that writes it; the others mark it once that call
is answered. What is sent once is never paid more for, and a playbook that grows at its end is read up to where it has grown.

A prompt is cut into blocks at ends of lines, by its beginning alone: a longer version has the same first blocks.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

BLOCK = 2000
"""Characters of a block at least."""
FRESH = 270.0
"""Seconds for which a prefix is taken for cached since it was used last; providers keep it for five minutes."""
MOST = 2000
"""Prefixes that are remembered."""
MISSES = 3
"""Prefixes in a row that were not read although they were written: this server caches nothing."""


@dataclass(slots=True)
class _Prefix:
    """What is known of one: ``tokens`` of it, whether it was sent, whether a call writes it now, and until when it is cached."""

    tokens: int
    is_sent: bool = False
    is_written: bool = False
    cached_until: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Marked:
    """A prompt in ``blocks``; those at the places ``read`` and ``written`` (None for none) are marked."""

    blocks: Sequence[str]
    keys: Sequence[bytes]
    read: int | None
    written: int | None

    @property
    def content(self) -> str | list[dict[str, Any]]:
        """As litellm takes it."""
        last = max((place for place in (self.read, self.written) if place is not None), default=None)
        if last is None:
            return "".join(self.blocks)
        parts: list[dict[str, Any]] = [{"type": "text", "text": block} for block in self.blocks[: last + 1]]
        for place in {self.read, self.written} - {None}:
            parts[place or 0]["cache_control"] = {"type": "ephemeral"}
        rest = "".join(self.blocks[last + 1 :])
        return [*parts, {"type": "text", "text": rest}] if rest.strip() else parts


class PrefixCache:
    """What a model's provider has cached of our prompts, as far as we can know.

    Args:
        least: tokens below which a prefix is not cached.
        count: tokens of a text.
    """

    def __init__(
        self, least: int, count: Callable[[str], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._least = least
        self._count = count
        self._clock = clock
        self._known: OrderedDict[bytes, _Prefix] = OrderedDict()
        self._misses = 0

    def mark(self, prompt: str) -> Marked:
        """How a prompt is to be sent; :meth:`sent` is told what came of it."""
        blocks, keys = _blocks(prompt), list[bytes]()
        if len(blocks) < 2 or self._misses >= MISSES:
            return Marked([prompt], [], None, None)
        now, tokens, running = self._clock(), 0, blake2b(digest_size=16)
        read = written = None
        is_busy = False
        for place, block in enumerate(
            blocks[:-1]
        ):  # the last one ends where the prompt does: the next version cuts it elsewhere
            running.update(block.encode())
            keys.append(running.digest())
            prefix = self._prefix(keys[-1], tokens, block)
            tokens = prefix.tokens
            if tokens < self._least:
                continue
            is_busy |= prefix.is_written
            if prefix.cached_until > now:
                read = place
            elif prefix.is_sent:
                written = place
        if written is not None and not is_busy and (read is None or written > read):
            self._known[keys[written]].is_written = True
        else:
            written = None
        return Marked(blocks, keys, read, written)

    def sent(self, marked: Marked, cached: int | None) -> None:
        """It was answered, and so many of its tokens were read from the cache; None for a call that failed."""
        now = self._clock()
        prefixes = [self._known.get(key) for key in marked.keys]
        written = prefixes[marked.written] if marked.written is not None else None
        read = prefixes[marked.read] if marked.read is not None else None
        if written is not None:
            written.is_written = False
        if cached is None:
            return
        for prefix in prefixes:
            if prefix is not None:
                prefix.is_sent = True
        if written is not None:
            written.cached_until = now + FRESH
        if read is not None:
            self._misses = 0 if cached else self._misses + 1
            read.cached_until = now + FRESH if cached else float("-inf")

    def _prefix(self, key: bytes, tokens: int, block: str) -> _Prefix:
        """Of ``tokens`` and those of its last ``block``."""
        if (known := self._known.get(key)) is None:
            known = self._known[key] = _Prefix(tokens + self._count(block))
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known


def _blocks(prompt: str) -> list[str]:
    """Whole lines, as many as make a block; the last one is what is left."""
    blocks: list[str] = []
    start = 0
    for line in prompt.splitlines(keepends=True):
        if len(blocks) == 0 or start >= BLOCK:
            blocks.append("")
            start = 0
        blocks[-1] += line
        start += len(line)
    return blocks
