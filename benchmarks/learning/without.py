"""``ace`` with a part of the loop taken out that no setting takes out: ``python -m benchmarks.learning.without PART train ...``.

``schema``: models are told of JSON by the prompt alone. ``admission``: whatever the Reflector says becomes a bullet.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from ace_cli.cli import main
from ace_cli.llm.base import ChatReply, ChatRequest
from ace_cli.llm.litellm_model import LitellmModel
from ace_cli.stages.admission import Admission


def _no_schema() -> None:
    complete = LitellmModel.complete

    async def asked_in_prose(self: LitellmModel, request: ChatRequest) -> ChatReply:
        return await complete(self, replace(request, schema=None))

    LitellmModel.complete = asked_in_prose  # type: ignore[method-assign]


def _no_admission() -> None:
    def nothing(self: Admission, content: str) -> str:  # noqa: ARG001
        return ""

    Admission.refusal = nothing  # type: ignore[method-assign]


PARTS: Mapping[str, Callable[[], None]] = {"schema": _no_schema, "admission": _no_admission}

if __name__ == "__main__":
    PARTS[sys.argv.pop(1)]()
    main()
