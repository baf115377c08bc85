"""The truth inside a worked solution, decided in one place for the readers of datasets and the scorers."""

from __future__ import annotations


def gsm8k_truth(answer: str) -> str:
    r"""What follows the last ``####`` of a worked solution, or ``A:`` on its last line; else all of it, stripped.

    GSM8K rows hold the way and the answer in one field: ``... = 72 clips altogether.\n#### 72``. The mark counts on the
    last non-empty line only, so a text with Markdown headings stays whole. Applied twice it gives the same.
    """
    text = answer.strip()
    last = text[text.rfind("\n") + 1 :].lstrip()
    _, mark, truth = last.rpartition("####")
    if mark and truth.strip():
        return truth.strip()
    if last != text and last.startswith("A:") and last[2:].strip():
        return last[2:].strip()
    return text
