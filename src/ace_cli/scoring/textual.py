"""The scorers of words: exact, contains, and the rule for short truths in a sentence."""

from __future__ import annotations

import re
import unicodedata

from ace_cli.quantities.normalize import fold, normalize
from ace_cli.scoring.base import Verdict
from ace_cli.scoring.marked import marked_line
from ace_cli.scoring.truth import gsm8k_truth


class Exact:
    """Right if the whole answer, or what stands after its last mark ("Answer: ..."), is the truth in normalised form."""

    name = "exact"

    def __call__(self, answer: str, truth: str) -> Verdict:
        expected = gsm8k_truth(truth)
        wanted = normalised(expected)
        said = [answer.strip()]
        if (marked := marked_line(normalize(answer))) is not None:
            said += [marked, re.split(r"[.!?;](?:\s|$)", marked)[0]]  # as a line and as a sentence
        got = next((text for text in said if wanted and normalised(text) == wanted), None)
        return Verdict(got is not None, expected, shown(answer) if got is None else got, self.name)


class Contains:
    """Right if the truth, in normalised form, stands in the answer as whole words; whatever else the answer says."""

    name = "contains"

    def __call__(self, answer: str, truth: str) -> Verdict:
        expected = gsm8k_truth(truth)
        correct = has_words(normalised(answer), normalised(expected))
        return Verdict(correct, expected, expected if correct else shown(answer), self.name)


def normalised(text: str) -> str:
    """Compatibility forms, case, white space, kinds of quotes and dashes made equal; the quotes, brackets and punctuation
    around the text, Markdown emphasis and one leading article taken off. Accents stay: they make other words."""
    text = _NOISE.sub("", fold(text)).casefold()
    text = " ".join(text.split())
    if not _MANY_MARKS.search(text):  # sorting a hostile run of combining marks would take minutes
        text = unicodedata.normalize("NFC", text)
    text = _EDGES.sub("", text)
    return _ARTICLE.sub("", text)


def has_words(text: str, words: str) -> bool:
    """Whether ``words`` stand in ``text``, not as a part of a longer word, number or code."""
    at = text.find(words) if words else -1
    while at >= 0:
        if not _BEFORE.search(text[max(0, at - 2) : at]) and not _AFTER.match(text, at + len(words)):
            return True
        at = text.find(words, at + 1)
    return False


def says(answer: str, truth: str) -> str | None:
    """The sentence in which ``answer`` gives the short ``truth``; None where it does not, or leaves a doubt.

    Looked at are the marked part of the answer, or else its last line. It must be one sentence of at most 25 words
    that holds the truth (at most 6 words) as whole words, is no question, and neither denies anything (not, never,
    instead of, used to ...), offers a choice (or, either, maybe), joins the truth to something else with "and", nor names
    another code of the same shape: "The code is RV-72." gives RV-72; "RV-72 or RV-73" and "not RV-72" do not.
    """
    text = normalize(answer)
    marked = marked_line(text)
    line = marked if marked is not None else text[text.rfind("\n") + 1 :]
    if len(line) > 400:
        return None
    sentence, wanted = normalised(line), normalised(truth)
    if wanted in _YES_NO:
        return line if re.split(r"\W", sentence, maxsplit=1)[0] == wanted else None
    words = sentence.split()
    if not wanted or len(words) > 25 or len(wanted.split()) > 6 or not has_words(sentence, wanted):
        return None
    rest = sentence.replace(wanted, "\0")
    if "?" in line or _DOUBT.search(rest) or re.search(r"[.!;] \S", sentence.replace(wanted, "")):
        return None
    others = {word.strip(".,;:!()'\"") for word in rest.split()} - {"\0"}
    if any(char.isdigit() for char in wanted) and _shape(wanted) in {_shape(word) for word in others}:
        return None
    return line


def shown(answer: str) -> str:
    """What a verdict shows of an answer that was compared as a whole."""
    text = answer.strip()
    return text if len(text) <= 200 else text[:199] + "…"


_NOISE = re.compile(r"`+|\*\*|(?<!\w)[*_]{1,2}(?=\w)|(?<=\w)[*_]{1,2}(?!\w)")
_EDGES = re.compile(r"^[\s\"'“”‘’«»(\[{.,;:!?…]+|(?<![\s\"'“”‘’«»)\]}.,;:!?…])[\s\"'“”‘’«»)\]}.,;:!?…]+$")
_ARTICLE = re.compile(r"^(?:the|an?) (?=\S)")
_MANY_MARKS = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{9}"
)
_BEFORE = re.compile(r"[\w-]$|\d[.,/]$")
_AFTER = re.compile(r"\w|[-/.,'][\w]")
_YES_NO = {"yes", "no", "true", "false"}
_DOUBT = re.compile(
    r"\b(?:not|no|never|neither|nor|none|isn't|wasn't|aren't|don't|doesn't|can't|cannot|instead|rather|except|but|however|unless|or|either|maybe|perhaps|might"
    r"|unsure|unknown|used to|formerly|previously|wrong|incorrect|false|unlike|without|versus|vs)\b|n't\b"
    r"|\0,? (?:and|&) |\b(?:and|&) (?:the )?\0"
)


def _shape(word: str) -> str:
    return re.sub(r"[a-z]+", "a", re.sub(r"\d", "9", word))
