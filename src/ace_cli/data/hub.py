"""Hugging Face datasets, on the hub or as a local folder in its layout, streamed. The only user of ``datasets`` here."""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ace_cli.data.rows import Row
from ace_cli.errors import UsageError

KNOWN = {"gsm8k": ("openai/gsm8k", "main")}


def read_hub(name: str, config: str | None, split: str, *, local: bool) -> Iterator[Row]:
    """The rows of a split, in order.

    Args:
        name: a folder if ``local``, else an id on the hub, ``owner/name``.

    Raises:
        UsageError: it is not there, cannot be reached or read, or has no such split.
    """
    if not local:
        _check_reachable(name)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import datasets
    import pyarrow as pa

    expected = (
        OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ArithmeticError, ImportError, NotImplementedError, EOFError, IndexError,
        datasets.exceptions.DatasetsError, pa.ArrowException,
    )  # fmt: skip  # a list of what a loader for forty file formats raises
    try:
        streams: Any = datasets.load_dataset(
            str(Path(name).resolve()) if local else name, config, streaming=True
        )
        if split not in streams:
            raise UnknownSplit(name, split, list(streams))
        stream = streams[split]
        for number, value in enumerate(stream, start=1):
            yield Row(number, f"row {number}", value)
    except expected as error:
        raise _explained(name, config, local, error) from error


class UnknownSplit(UsageError):
    """The dataset has no such split; ``known`` are those that it has."""

    def __init__(self, name: str, split: str, known: list[str]) -> None:
        near = difflib.get_close_matches(split, known, n=1)
        super().__init__(
            f"{name} has no split {split!r}",
            f"Available splits: {', '.join(map(str, known))}. Use --split {(near or known)[0]}.",
        )
        self.known = known


def _explained(name: str, config: str | None, local: bool, error: Exception) -> UsageError:
    """What went wrong, in one line, by the kind of the error and the words of it."""
    words = " ".join(str(error).split())[:300]
    kind = type(error).__name__
    if configs := re.search(
        r"(?:BuilderConfig .* not found|Config name is missing).*?(?:Available|available configs)[^\[]*\[(.*?)\]",
        words,
    ):
        said = f"has no configuration {config!r}" if config else "has several configurations"
        return UsageError(
            f"{name} {said}", f"Available configurations: {configs[1]}. Use --dataset NAME:CONFIGURATION."
        )
    if kind in ("EmptyDatasetError", "DataFilesNotFoundError"):
        return UsageError(
            f"{name} holds no data files",
            "Expected files such as train.jsonl, test.csv or data/train-00000.parquet.",
        )
    if local:
        return UsageError(f"cannot read {name}: {words or kind}")
    if "gated" in words or "401" in words or "403" in words:
        return UsageError(
            f"{name} is gated or private",
            "Accept its terms on its page and set HF_TOKEN, or run `hf auth login`.",
        )
    if kind == "DatasetNotFoundError":
        return UsageError(f"there is no dataset {name!r} on the Hugging Face hub", _near(name))
    if "scripts are no longer supported" in words:
        return UsageError(
            f"{name} needs a loading script, which `datasets` no longer runs", "Take a copy of it in Parquet."
        )
    if isinstance(error, OSError):
        return _no_network(name, words or kind)
    return UsageError(f"cannot read {name}: {kind}: {words}")


def _no_network(name: str, reason: str) -> UsageError:
    ours = {hub_name for hub_name, _ in KNOWN.values()}
    doubt = "" if name in ours else f"{_near(name)} "
    return UsageError(
        f"cannot reach the Hugging Face hub for {name}: {reason}",
        f"{doubt}Without a network, give a local file or folder: --dataset custom --input FILE.",
    )


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.7)
    return f"Did you mean {near[0]}?" if near else "Check the name; a private one needs HF_TOKEN."


def _check_reachable(name: str) -> None:
    """Fail at once without a network: the hub's client would try again for half a minute first."""
    if any(os.environ.get(key) for key in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")):
        raise _no_network(name, "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set")
    if getproxies().keys() & {"all", "http", "https"}:
        return  # only the proxy can tell
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=10).close()
    except OSError as error:
        raise _no_network(name, error.strerror or str(error)) from error
