"""From what a model wrote to a typed record, or to an :class:`UnusableReply` that says why not.

    reply text -> find (JSON in it, repaired if need be) -> fit (into a record) with leniency (what is forgiven)

A reply should be one JSON object. In practice it comes in fences, in prose, after a draft, as a list,
with nulls, with words for numbers, or cut off. What can be understood without guessing is understood;
for anything else the model is asked once more, with the error.
"""

from ace_cli.replies.base import Ask, UnusableReply
from ace_cli.replies.leniency import Confidence, Reply, SectionName
from ace_cli.replies.read import ask_json, read_reply, read_text
from ace_cli.replies.schema import TextOrNumber

__all__ = [
    "Ask",
    "Confidence",
    "Reply",
    "SectionName",
    "TextOrNumber",
    "UnusableReply",
    "ask_json",
    "read_reply",
    "read_text",
]
