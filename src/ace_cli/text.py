"""Text from outside, made fit for every place it will go to."""

from __future__ import annotations


def clean(text: str) -> str:
    """Valid Unicode: surrogate pairs are joined, a lone surrogate becomes U+FFFD (no encoding can carry it)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
