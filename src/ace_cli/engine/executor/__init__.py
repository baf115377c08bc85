"""Where examples are worked on: an :class:`Executor`. The driver prepares jobs and records what comes of them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ace_cli.engine.example import ExampleJob, Outcome


class Executor(Protocol):
    """Works on many examples at once.

    What an implementer may rely on: ``work`` is called inside a ``slot``, from the driver's event loop. Its stages call models only
    through a :class:`~ace_cli.engine.calls.Caller`, whose :class:`~ace_cli.engine.calls.Desk` is the driver's, wherever
    the work is done: nothing is asked that was not admitted, and no reply is used that is not on record. So a job that is lost
    with its worker may simply be given to another one.
    """

    def slot(self) -> AbstractAsyncContextManager[object]:
        """Entered when there is room for one more example."""
        ...

    async def work(self, job: ExampleJob) -> Outcome:
        """What comes of the job.

        Raises:
            RunStopped, PermanentError, StoreError: the run has to stop; nothing is decided about the example.
        """
        ...

    async def close(self) -> None: ...
