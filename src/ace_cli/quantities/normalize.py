"""Texts as people and models write them, brought to one form before anything is compared.

Everything here takes time linear in the text. That is why characters are folded one by one: Unicode's own
normal forms sort combining marks, which takes minutes for a hostile megabyte of them.
"""

from __future__ import annotations

import re
import unicodedata

# They stand for \boxed{ and its brace; other control characters never survive `normalize`.
BOX, BOX_END = "\x02", "\x03"
_JOINT = "\x1f"  # between a whole number and a fraction, until it is known whether there is a whole number

LONGEST_READ = 30_000  # characters from the end of an answer in which an answer is looked for

_SPECIAL = {
    **dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u207b\ufe63\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u2014\u2015"), " \u2014 "),  # a dash between thoughts is no minus sign
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u02bc\u2032"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u00ab\u00bb\u2033"), '"'),
    **dict.fromkeys(map(ord, "\u00d7\u00b7\u22c5\u2219\u2217"), "*"),
    **dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), "\n"),
    ord("\t"): " ",
    ord("\n"): "\n",
    ord("\u066b"): ".",
    ord("\u066c"): ",",
    ord("\u2044"): "/",
}


class _Fold(dict[int, str]):
    """Character -> its usual form, worked out at first sight."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Nd":
            folded = str(unicodedata.decimal(char))
        elif category == "Zs":
            folded = " "
        elif category in ("Cc", "Cf"):
            folded = ""
        elif category in ("Cs", "Co", "Cn"):
            folded = "\ufffd"
        else:
            folded = unicodedata.normalize("NFKC", char)
            if len(folded) > 4:  # a ligature of a whole phrase: a megabyte of them would become 18
                folded = char
            if category == "No" and "\u2044" in folded:  # one half as a single character
                folded = _JOINT + folded.replace("\u2044", "/")
        self[code] = folded
        return folded


_FOLD = _Fold(_SPECIAL)
_RAISED = {ord(raised): usual for raised, usual in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True)}
_RAISED_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]++")


def fold(text: str) -> str:
    """Plain digits, spaces, minus signs and quotes; ``½`` as ``1/2``, ``10⁶`` as ``10^6``; no invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    text = _RAISED_RUN.sub(lambda run: "^" + run[0].translate(_RAISED), text)
    return _join_fractions(text.replace("\r\n", "\n").translate(_FOLD))


def normalize(text: str) -> str:
    """The end of ``text``, folded, without LaTeX, Markdown emphasis and GSM8K's ``<<48/2=24>>`` calculator notes.

    ``\\boxed{...}`` becomes ``BOX ... BOX_END``.
    """
    text = fold(text.strip()[-LONGEST_READ:])[-LONGEST_READ:]
    if "<<" in text:
        text = re.sub(r"<<[^<>\n]*+>>", "", text)
    if "\\" in text or "^{" in text or "{,}" in text:
        text = _without_latex(_mark_boxes(text))
    text = re.sub(r"`++|(?<!\d)\*\*|\*\*(?!\d)|(?<!\w)__|__(?!\w)", "", text)
    return text.strip()


def _join_fractions(text: str) -> str:
    return re.sub(rf"(?<=\d) ?{_JOINT}", " ", text).replace(_JOINT, "")


_BOX_START = re.compile(r"\\f?boxed\s*\{|\\fbox\s*\{")


def _mark_boxes(text: str) -> str:
    """Replace the last 20 ``\\boxed{...}``, braces counted; a box that is never closed ends with the text."""
    for start in list(_BOX_START.finditer(text))[:-21:-1]:
        depth, end = 1, len(text)
        for brace in re.finditer(r"(?<!\\)[{}]", text[start.end() :]):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = start.end() + brace.start()
                break
        text = f"{text[: start.start()]}{BOX}{text[start.end() : end]}{BOX_END}{text[end + 1 :]}"
    return text


_LATEX = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        (r"\{,\}", ","),
        (r"\\!", ""),
        (r"\\\\", "\n"),
        (r"\\([%$&#_])", r"\1"),
        (r"\\(?:left|right|displaystyle|bf|rm)(?![a-zA-Z])|\\[()\[\]]", " "),
        (r"\\(?:[,;: ]|quad(?![a-z])|qquad(?![a-z]))|(?<=\w)~(?=\w)", " "),
        (r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}]*)\}", r" \1 "),
        (r"\\[dtc]?frac\s*\{\s*(-?[\d,.]+)\s*\}\s*\{\s*([\d,.]+)\s*\}", _JOINT + r"\1/\2"),
        (r"\\[dtc]?frac\s*(\d)\s*(\d)", _JOINT + r"\1/\2"),
        (r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)÷(\2)"),
        (r"\\(?:times|cdot|ast)(?![a-zA-Z])", "*"),
        (r"\\div(?![a-zA-Z])", "÷"),
        (r"\\pm(?![a-zA-Z])", "±"),
        (r"\\(?:approx|simeq)(?![a-zA-Z])", "≈"),
        (r"\\sqrt", "√"),
        (r"\\pi(?![a-zA-Z])", "π"),
        (r"\\infty(?![a-zA-Z])", "∞"),
        (r"\^\s*\{?\\circ\}?", "°"),
        (r"\^\s*\{\s*([-+]?[\d]+)\s*\}", r"^\1"),
        (r"[{}]", ""),
    ]
]


def _without_latex(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    return _join_fractions(text)
