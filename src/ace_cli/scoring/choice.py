"""The scorer of multiple choice: which letter does the answer pick?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ace_cli.quantities.normalize import BOX, BOX_END, normalize
from ace_cli.scoring.base import Verdict
from ace_cli.scoring.marked import marked_line
from ace_cli.scoring.textual import normalised, shown
from ace_cli.scoring.truth import gsm8k_truth


class Choice:
    """Right if the answer picks the truth's letter (A to J), which may stand with its text: ``B`` or ``B) Paris``.

    The pick is the letter that the answer is or begins with as an option ("(b)", "B) Paris"), else the one at its last mark ("Answer: B"),
    else the last "option B" or "(B)", else the only capital letter that stands alone. Two letters ("B or C") are no pick. Where
    the truth has a text and the answer has no letter, the text is compared.
    """

    name = "choice"

    def __call__(self, answer: str, truth: str) -> Verdict:
        expected = gsm8k_truth(truth)
        wanted = option(expected)
        if wanted is None:
            return Verdict(False, expected, shown(answer), self.name)
        letter, text = wanted
        got = next(_readings(normalize(answer)), None)
        if got is None and text:
            said = (answer, marked_line(normalize(answer)) or "")
            got = letter if normalised(text) in map(normalised, said) else None
        return Verdict(got == letter, letter, got or shown(answer), self.name)


def option(truth: str) -> tuple[str, str] | None:
    """The letter of a truth and its text, if it is an option: ``B``, ``(b)``, ``B.``, ``B) Paris``, ``(B) Paris``."""
    match = _OPTION.fullmatch(normalize(truth))
    return None if match is None else (match[1].upper(), (match[2] or "").strip())


def _readings(text: str) -> Iterator[str | None]:
    """The letter that ``text`` may pick, in upper case, the surest reading first; None where it names two."""
    if whole := option(text):
        head = _HEAD.match(text)
        yield None if head and _ANOTHER.match(text, head.end()) else whole[0]
    line = marked_line(text)
    for part in (line, text if len(text) <= 200 else None):
        if part is None or not (head := _HEAD.match(part)):
            continue
        if _ANOTHER.match(part, head.end()):
            yield None
        if _LONE.match(part, head.end()) or (head[1] not in "AIabcdefghij" and part is line):
            yield head[1].upper()
    named = [match for match in _NAMED.finditer(text) if not _denied(text, match)]
    if named:
        start, end = named[-1].span()
        listed = _OR_BEFORE.search(text, max(0, start - 14), start) or _ANOTHER.match(text, end)
        yield None if listed else (named[-1][1] or named[-1][2]).upper()
    alone = {match[0] for match in _CAPITAL.finditer(text) if not _denied(text, match)}
    if len(alone) == 1:
        yield alone.pop()


def _denied(text: str, letter: re.Match[str]) -> bool:
    return _DENIED.search(text, max(0, letter.start() - 30), letter.start()) is not None


_OPTION = re.compile(
    r"[\s\"'(\[]*([A-Ja-j])(?:\s*[)\].\"']*\s*|\s*[)\]:.]\s+([^\n]{1,200})|\s*[)\]]([^\n]{1,200}))"
)
_HEAD = re.compile(
    rf"[\s\"'(\[*{BOX}]*(?:(?:the )?(?:option|choice|letter|answer) )?[\s\"'(\[*{BOX}]*([A-Ja-j])(?![A-Za-z0-9'])[)\]\"'*.:{BOX_END}]*",
    re.IGNORECASE,
)
_LONE = re.compile(
    r"\s*(?:$|[\n,;.)—-]|because|since|as\b|is (?:the )?(?:right|correct|answer|best)|,? ?which\b)"
)
_ANOTHER = re.compile(r"\s*(?:,|/|&|\bor\b|\band\b)\s*(?:option |choice )?[(\[]?[A-J](?![A-Za-z0-9'])")
_OR_BEFORE = re.compile(r"[A-J][)\]]?\s*(?:,|/|&|\bor|\band) ?$")
_NAMED = re.compile(
    r"\b(?:option|choice|letter) [\"'(\[*]*([A-Ja-j])(?![A-Za-z0-9'])|\(([A-Ja-j])\)", re.IGNORECASE
)
_DENIED = re.compile(
    r"(?:\bnot|n't|\brather than|\binstead of|\bnor|\bneither)(?: (?!but)\w+){0,2} $|\bnot $", re.IGNORECASE
)
_CAPITAL = re.compile(
    r"(?<![\w'-])[B-HJ](?![\w'-])|(?<![\w'-])A(?=\s*(?:[.,;:)\n]|$|is (?:the )?(?:right|correct|answer|best)))"
)
