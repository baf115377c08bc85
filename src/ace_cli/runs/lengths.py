"""Replies that broke off at their limit of tokens, in words: they cost the most and say the least."""

from __future__ import annotations

from collections.abc import Iterator

from ace_cli.runs.reader import RunReader


def broken_off_words(run: RunReader) -> Iterator[str]:
    """A sentence for each role that had such replies: how many, and what helps."""
    identity = run.header().identity
    for role, (cut, replies) in run.broken_off().items():
        if not cut:
            continue
        setting = f"models.{role}.max_tokens"
        limit = identity.get(setting)
        if limit is None:
            where = "the limit of the model or its server"
            advice = f"{setting} gives more room, or an earlier end to a model that repeats itself"
        else:
            where = f"{setting} = {limit}"
            advice = "more gives room, unless the model repeats itself"
        of = "reply" if replies == 1 else "replies"
        yield f"{cut:,} of {replies:,} {of} of the {role} broke off at {where}: {advice}"
