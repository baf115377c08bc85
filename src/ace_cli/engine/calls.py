"""The one door of everything that is paid: chat and embeddings.

Two parts, so that an executor can put processes between them. The *worker's* part (:class:`Caller`) talks to the model and tries
again. The *driver's* part (:class:`Desk`, done in :mod:`.desk`) decides whether a call may be made, puts what was paid on record and counts it; a
reply is used only after that.

A chat call is known by its key: a hash of where it stands (phase, step, role, turn) and of all that is asked. A
stage that is run again after a crash asks the same and is answered from the record.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from ace_cli.engine.asked import Asked, cache_entry, request_key
from ace_cli.engine.ledger import SHORTEST, Quote, Reservation
from ace_cli.errors import AceError, RunStopped, StoreError
from ace_cli.llm.base import (
    ChatModel,
    ChatReply,
    ChatRequest,
    Message,
    PermanentError,
    PromptStyle,
    RequestError,
    TransientError,
)
from ace_cli.llm.rates import Rates
from ace_cli.llm.retry import CircuitBreaker, RetryNotice, RetryPolicy, with_retry
from ace_cli.llm.tries import Tries, trying
from ace_cli.runs.records import TRAINING, Paid, RecordedReply

T = TypeVar("T", bound=Paid)


class Outage(RunStopped):
    """No reply from the provider for longer than the retry horizon: going on would burn the examples."""

    def __init__(self, error: TransientError) -> None:
        super().__init__(
            f"no reply from the provider: {error.message}", "Nothing is lost. When it is back: `ace resume`."
        )
        self.helps = error.hint


@dataclass(frozen=True, slots=True)
class Role:
    """A model with the parameters of its role (identity settings)."""

    name: str
    model: ChatModel
    breaker: CircuitBreaker
    temperature: float | None
    max_tokens: int | None
    extra: Mapping[str, Any]
    place: str = ""
    """What tells this model from others of its name: see :func:`~ace_cli.llm.hosts.place_of`."""


class Desk(Protocol):
    """The driver's part of a paid call."""

    async def admit(self, quote: Quote) -> Reservation:
        """Take the call into account before it is started; where a limit is near, after others have ended.

        Raises:
            LimitReached, RunStopped: it may not be made.
        """
        ...

    async def known(self, phase: int, entry: str) -> ChatReply | None:
        """The reply that an earlier run got, from the cache; None where there is none.

        Raises:
            AceError: the run is stopping.
        """
        ...

    async def again(self, reservation: Reservation) -> None:
        """Wait until a further request of the same call may be sent.

        Raises:
            AceError: the run is stopping.
        """
        ...

    def retrying(self, reservation: Reservation, notice: RetryNotice) -> None: ...

    async def pause(self, seconds: float) -> None:
        """Wait before the next try.

        Raises:
            AceError: the run is stopping, so there is none.
        """
        ...

    async def record(self, reply: RecordedReply) -> None:
        """Put a chat reply on record; durable when it returns."""
        ...

    def settle(self, reservation: Reservation, paid: Paid | None, rates: Rates | None = None) -> None:
        """The call is over: with something that was paid and is on record, or with nothing. ``rates`` is what its server said last."""
        ...


class Caller:
    """The worker's part: makes calls, each admitted before and on record after."""

    def __init__(self, desk: Desk, policy: RetryPolicy, run: str = "") -> None:
        self._desk = desk
        self._policy = policy
        self.run = run
        """What callbacks know the run by."""

    def ask(
        self,
        role: Role,
        step: int,
        recorded: Mapping[str, ChatReply],
        phase: int = TRAINING,
        occasion: str = "",
    ) -> RecordedCalls:
        """What a stage gets to call: the role's model, bound to one step of the plan.

        ``occasion`` is what the step is about, in words that another run would use as well; no two steps of a phase have the
        same. Without one, the cache of earlier runs has no part in it.
        """
        return RecordedCalls(self, role, phase, step, recorded, occasion)

    async def chat(self, role: Role, asked: Asked) -> ChatReply:
        """A new chat call, or what an earlier run was answered. Raises as :meth:`paid` does.

        Where a limit on tokens or money bounds the reply and turns out to cut it off, the piece is on record (it was paid), and
        the call is made once more with more room, or the limit is reached.
        """
        request = asked.request
        if asked.entry and (known := await self._desk.known(asked.phase, asked.entry)) is not None:
            await self._desk.record(asked.answered(role, known))
            return known
        characters = sum(len(message.content) for message in request.messages)
        quote = Quote(role.name, characters, role.model.price, role.max_tokens)
        while True:
            reservation = await self._desk.admit(quote)
            bounded = replace(request, max_tokens=reservation.max_tokens)

            async def keep(
                reply: ChatReply, retries: int, reservation: Reservation = reservation
            ) -> ChatReply:
                reply = replace(reply, retries=retries)
                await self._desk.record(asked.answered(role, reply, cut=_is_cut(reply, reservation)))
                return reply

            try:
                once = partial(role.model.complete, bounded)
                reply = await self._admitted(reservation, role.breaker, once, keep)
            except RequestError as error:
                if (
                    not reservation.is_shortened
                    or reservation.length <= SHORTEST
                    or not _ABOUT_LENGTH.search(error.message)
                ):
                    raise
                quote = replace(quote, at_most=reservation.length // 2)
            else:
                if not _is_cut(reply, reservation):
                    return reply
                quote = replace(quote, at_least=reservation.length)

    async def paid(
        self,
        quote: Quote,
        breaker: CircuitBreaker,
        once: Callable[[], Awaitable[T]],
        keep: Callable[[T, int], Awaitable[T]],
    ) -> T:
        """Whatever costs money: within the limits, tried again where that may help, on record before it is used.

        Args:
            once: one try.
            keep: puts what came on record (with the number of failed tries before it); what it returns is used.

        Raises:
            LimitReached, RunStopped: not started, or an outage. ModelError: no reply to this request.
        """
        return await self._admitted(await self._desk.admit(quote), breaker, once, keep)

    async def _admitted(
        self,
        reservation: Reservation,
        breaker: CircuitBreaker,
        once: Callable[[], Awaitable[T]],
        keep: Callable[[T, int], Awaitable[T]],
    ) -> T:
        paid: T | None = None
        tries = Tries(lambda: self._desk.again(reservation))

        def retrying(notice: RetryNotice) -> None:
            self._desk.retrying(reservation, replace(notice, rates=tries.rates))
            tries.rates = None

        try:
            with trying(tries):
                tried = await with_retry(
                    once,
                    self._policy,
                    breaker=breaker,
                    on_retry=retrying,
                    sleep=self._desk.pause,
                    ready=tries.again,
                )
            paid = await keep(tried.value, tried.retries)
        except TransientError as error:
            if error.endpoint:
                raise Outage(error) from error
            raise
        finally:
            self._desk.settle(reservation, paid, tries.rates)
        return paid


_ABOUT_LENGTH = re.compile(
    r"max_(completion_|output_|new_)?tokens|context[ _](length|window|limit|size)|too long", re.I
)
"""How a server says that prompt and reply together are more than it has room for."""


def _is_cut(reply: ChatReply, reservation: Reservation) -> bool:
    """Whether the reply ended where a limit of the user's made us end it, and not where its role's settings do."""
    length = reservation.max_tokens or 0
    return reservation.is_shortened and reply.finish_reason == "length" and reply.completion_tokens >= length


class RecordedCalls:
    """:class:`~ace_cli.stages.base.Ask` for one role and one step."""

    def __init__(
        self,
        caller: Caller,
        role: Role,
        phase: int,
        step: int,
        recorded: Mapping[str, ChatReply],
        occasion: str,
    ) -> None:
        self.style: PromptStyle = role.model.style
        self._caller = caller
        self._role = role
        self._phase = phase
        self._step = step
        self._recorded = recorded
        self._occasion = occasion
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
            about=_about(self._caller.run, role.name, self._phase, self._step, turn),
        )
        key = request_key(role, self._phase, self._step, turn, request)
        if (reply := self._recorded.get(key)) is not None:
            return reply
        entry = cache_entry(role, self._occasion, turn, request) if self._occasion else ""
        try:
            return await self._caller.chat(role, Asked(request, self._phase, self._step, turn, key, entry))
        except (RunStopped, PermanentError, StoreError) as error:
            self._fatal = error
            raise


def _about(run: str, role: str, phase: int, step: int, turn: int) -> dict[str, Any]:
    """What callbacks are told of a call: its place in the run, and the same in the words of OpenTelemetry, Langfuse and their like."""
    where = {"run": run, "role": role, "phase": phase, "step": step, "turn": turn}
    names = {"session_id": run, "trace_name": f"ace {role}", "generation_name": role, "tags": ["ace", role]}
    return {**where, **names, "requester_metadata": where}
