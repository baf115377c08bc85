"""The examples of a run in this process: coroutines of one event loop."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from ace_cli.engine.calls import Caller, Role
from ace_cli.engine.example import ExampleJob, Outcome, work
from ace_cli.stages.base import Stages


class AsyncioExecutor:
    """:class:`~ace_cli.engine.executor.Executor` for models that are called over the network, or loaded here.

    Args:
        slots: places of the examples that are worked on at once.
    """

    def __init__(
        self,
        stages: Stages,
        roles: Mapping[str, Role],
        caller: Caller,
        slots: AbstractAsyncContextManager[object],
    ) -> None:
        self._stages = stages
        self._roles = roles
        self._caller = caller
        self._slots = slots

    def slot(self) -> AbstractAsyncContextManager[object]:
        return self._slots

    async def work(self, job: ExampleJob) -> Outcome:
        """See :class:`~ace_cli.engine.executor.Executor`."""
        return await work_on(self._stages, self._roles, self._caller, job)

    async def close(self) -> None:
        for role in self._roles.values():
            await role.model.close()


async def work_on(stages: Stages, roles: Mapping[str, Role], caller: Caller, job: ExampleJob) -> Outcome:
    """What comes of a job in this process.

    Raises:
        RunStopped, PermanentError, StoreError: the run has to stop; nothing is decided about the example.
    """
    asks = [
        caller.ask(roles[name], job.step, job.recorded, job.phase, job.occasion)
        for name in ("generator", "reflector")
    ]
    outcome = await work(stages, job, *asks)
    for ask in asks:
        ask.check()
    return outcome
