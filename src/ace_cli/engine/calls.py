"""From a stage's question to a recorded reply: look it up, or reserve, ask, retry, record.

A call is known by its key: a hash of where it stands in the plan (step, role, turn) and of all that is asked. A
stage that is run again after a crash asks the same and is answered from the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from ace_cli.clock import now
from ace_cli.engine.events import CallFinished, CallStarted, Listener, RetryScheduled
from ace_cli.engine.ledger import Ledger
from ace_cli.engine.stop import StopController
from ace_cli.errors import AceError, RunStopped, StoreError
from ace_cli.llm.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    PermanentError,
    PromptStyle,
    TransientError,
)
from ace_cli.llm.retry import CircuitBreaker, RetryNotice, RetryPolicy, with_retry
from ace_cli.runs.records import RecordedReply
from ace_cli.runs.store import RunStore

KEY_VERSION = 1


class Outage(RunStopped):
    """No reply from the provider for longer than the retry horizon: going on would burn the examples."""

    def __init__(self, error: TransientError) -> None:
        super().__init__(
            f"no reply from the provider: {error.message}", "Nothing is lost. When it is back: `ace resume`."
        )


@dataclass(frozen=True, slots=True)
class Role:
    """A model with the parameters of its role (identity settings)."""

    name: str
    model: ChatModel
    endpoint: CircuitBreaker
    temperature: float | None
    max_tokens: int | None
    extra: Mapping[str, Any]


class Caller:
    """Makes the calls of a run, each one recorded before its reply is used."""

    def __init__(
        self, store: RunStore, ledger: Ledger, policy: RetryPolicy, emit: Listener, gate: StopController
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._policy = policy
        self._emit = emit
        self._gate = gate

    def ask(self, role: Role, step: int, recorded: Mapping[str, ChatReply]) -> RecordedCalls:
        """What a stage gets to call: the role's model, bound to one step of the plan."""
        return RecordedCalls(self, role, step, recorded)

    async def call(self, role: Role, step: int, turn: int, key: str, request: ChatRequest) -> ChatReply:
        """A new call: within the limits, retried, recorded.

        Raises:
            LimitReached, RunStopped: not started, or an outage. ModelError: no reply to this request.
        """
        self._gate.check()
        reservation = self._ledger.reserve(role.name, role.model, request, self._store.session_seconds())
        self._emit(CallStarted(role.name, self._ledger.in_flight))
        reply: ChatReply | None = None
        try:
            tried = await with_retry(
                lambda: role.model.complete(request),
                self._policy,
                breaker=role.endpoint,
                on_retry=self._on_retry(role.name),
                sleep=self._gate.pause,
            )
            reply = replace(tried.value, retries=tried.retries)
            await self._store.record_reply(
                RecordedReply(
                    key=key,
                    step=step,
                    role=role.name,
                    turn=turn,
                    model=role.model.name,
                    messages=tuple((m.role, m.content) for m in request.messages),
                    reply=reply,
                    at=now(),
                )
            )
        except TransientError as error:
            if error.endpoint:
                raise Outage(error) from error
            raise
        finally:
            self._ledger.settle(reservation, reply)
            self._emit(CallFinished(role.name, self._ledger.in_flight, reply is not None, self._ledger.total))
        return reply

    def _on_retry(self, role: str) -> Callable[[RetryNotice], None]:
        def tell(notice: RetryNotice) -> None:
            self._emit(RetryScheduled(role, notice.kind, notice.attempt, notice.wait, notice.message))

        return tell


class RecordedCalls:
    """:class:`~ace_cli.stages.base.Ask` for one role and one step."""

    def __init__(self, caller: Caller, role: Role, step: int, recorded: Mapping[str, ChatReply]) -> None:
        self.style: PromptStyle = role.model.style
        self._caller = caller
        self._role = role
        self._step = step
        self._recorded = recorded
        self._turn = 0
        self._fatal: AceError | None = None

    def check(self) -> None:
        """What a stage made of a stop is no result, even if it caught the error and went on.

        Raises:
            AceError: the one that a call of this stage ended with, when it concerns the whole run.
        """
        if self._fatal is not None:
            raise self._fatal

    async def __call__(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        schema_name: str = "reply",
    ) -> ChatReply:
        role, turn = self._role, self._turn
        self._turn += 1
        request = ChatRequest(
            messages=tuple(messages),
            schema=schema,
            schema_name=schema_name,
            temperature=role.temperature,
            max_tokens=role.max_tokens,
            extra=role.extra,
        )
        key = request_key(role, self._step, turn, request)
        if (reply := self._recorded.get(key)) is not None:
            return reply
        try:
            return await self._caller.call(role, self._step, turn, key, request)
        except (RunStopped, PermanentError, StoreError) as error:
            self._fatal = error
            raise


def request_key(role: Role, step: int, turn: int, request: ChatRequest) -> str:
    """Hash of a call's place and content; its version is part of it."""
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
    ]
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=20).hexdigest()
