"""A chat call with its two names: by one it is found again in its run, by the other in the cache of earlier runs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from ace_cli.clock import now
from ace_cli.llm.base import ChatReply, ChatRequest
from ace_cli.runs.records import TRAINING, RecordedReply

if TYPE_CHECKING:
    from ace_cli.engine.calls import Role

KEY_VERSION = 1
ENTRY_VERSION = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat call: what is asked, and where it stands. ``key`` and ``entry`` are its names in the run and in the cache."""

    request: ChatRequest
    phase: int
    step: int
    turn: int
    key: str
    entry: str

    def answered(self, role: Role, reply: ChatReply, *, cut: bool = False) -> RecordedReply:
        """With its reply; a ``cut`` one is paid for, but never found again."""
        key, entry = (f"{self.key}/{secrets.token_hex(4)}", "") if cut else (self.key, self.entry)
        messages = tuple((message.role, message.content) for message in self.request.messages)
        return RecordedReply(
            key, self.step, role.name, self.turn, role.model.name, messages, reply, now(), self.phase, entry
        )


def request_key(role: Role, phase: int, step: int, turn: int, request: ChatRequest) -> str:
    """Hash of a call's place and content; its version is part of it, and the phase where it is not training."""
    content = [
        KEY_VERSION,
        step,
        role.name,
        turn,
        role.model.name,
        [[m.role, m.content] for m in request.messages],
        request.schema,
        request.temperature,
        request.max_tokens,
        request.extra,
        *([] if phase == TRAINING else [phase]),
    ]
    return _hash(content)


def cache_entry(role: Role, occasion: str, turn: int, request: ChatRequest) -> str:
    """The name of a call in the cache: a hash of all that is asked, of whom, and on which occasion of its phase.

    By the occasion (which example, in which epoch or repeat) each of several equal requests of a run has an entry of its own. So
    repeats are answered as often as they are asked, and a run that is done again gets each reply where it had it.
    """
    return _hash(
        [
            ENTRY_VERSION,
            occasion,
            role.name,
            turn,
            role.model.name,
            role.place,
            [[m.role, m.content] for m in request.messages],
            request.schema,
            request.schema_name,
            request.temperature,
            request.max_tokens,
            request.extra,
        ]
    )


def _hash(content: Sequence[object]) -> str:
    return hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=20).hexdigest()
