"""The numeric scorer, case by case: what it takes for the answer, and that it compares exactly."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ace_cli.scoring import SCORERS, Verdict
from ace_cli.scoring.numeric import is_number
from ace_cli.scoring.truth import gsm8k_truth
from support.shared import SHARED, needs_shared


def score(answer: str, truth: str, scorer: str = "auto") -> Verdict:
    return SCORERS[scorer](answer, truth)


LABELLED = Path(__file__).parents[1] / "fixtures" / "gsm8k_labelled_24.jsonl"

# (answer, truth, right?)
CASES = [
    ("code (B12-3=)", "3", False),
    ("The final answer is 18 eggs, or 18 dollars.", "18", True),
    ("He will need 3.5 hours", "3.5", True),
    ("Answer: $1,234.5", "1234.50", True),
    ("There are 20 students and 5 teachers, so 25 people in total.", "25", True),
    ("Answer: 100 miles / 5 = 20 miles per day", "20", True),
    ("Answer: 7 days a week * 3 = 21", "21", True),
    ("#### 72 clips", "72", True),
    ("####72", "72", True),
    ("####  $72.00", "72", True),
    ("A: 72.", "72", True),
    ("The answer is 72 (seventy-two).", "72", True),
    ("Therefore, she has \\( 72 \\) clips.", "72", True),
    ("\\[\n48 + 24 = 72\n\\]", "72", True),
    ("Thus $x = 72$.", "72", True),
    ("$$\\boxed{72}$$\nSo the answer is 72 clips in 2 months.", "72", True),
    ("So the total is 48 + 24 = 72", "72", True),
    ("The answer is 72, i.e. 6 dozen.", "72", True),
    ("Answer: 72 / 100", "0.72", True),
    ("72/100", "0.72", True),
    ("25 %", "25", True),
    ("The answer is 25 percent.", "25", True),
    ("The answer is 25 per cent", "25", True),
    ("5,000,000", "5 million", True),
    ("5 million", "5,000,000", True),
    ("$1.5 million", "1500000", True),
    ("2 1/2 hours", "2.5", True),
    ("two and a half", "2.5", False),
    ("Answer: 5 - 3 = 2", "2", True),
    ("Answer: -5 + 3 = -2", "-2", True),
    ("5−3=2", "2", True),
    ("It's -3°C", "-3", True),
    ("−3 °C", "-3", True),
    ("(−3)", "-3", True),
    ("(-3)", "-3", True),
    ("\\boxed{-3}", "-3", True),
    ("\\boxed{(3, 4)}", "4", False),
    ("\\boxed{3, 4}", "3", False),
    ("\\boxed{\\{3,4\\}}", "3", False),
    ("1.0e3", "1000", True),
    ("1.5e+06", "1500000", True),
    ("6.02×10²³", "602000000000000000000000", True),
    ("6.02 * 10**23", "6.02e23", True),
    ("10,000,000", "1e7", True),
    ("10%", "0.1", True),
    ("0.10", "10%", True),
    (".10", "0.1", True),
    ("0", "0.0", True),
    ("-0.0", "0", True),
    ("00", "0", True),
    ("No answer", "0", False),
    ("zero", "0", True),
    ("The answer is zero.", "0", True),
    ("none", "0", False),
    ("The result is one.", "1", True),
    ("one", "1", True),
    ("a dozen", "12", False),
    ("three thousand five hundred", "3500", True),
    ("two hundred and fifty-six", "256", True),
    ("fifteen hundred", "1500", False),
    ("ten or eleven", "10", False),
    ("ten or eleven", "11", False),
    ("12.", "12", True),
    ("12,", "12", True),
    ("12;", "12", True),
    ("'12'", "12", True),
    ("“12”", "12", True),
    ("[12]", "12", True),
    ("{12}", "12", True),
    ("12\n\n", "12", True),
    ("12 \\text{ apples}", "12", True),
    ("12\\%", "12", True),
    ("$12\\$", "12", True),
    ("12 apples.", "12", True),
    ("Twelve (12)", "12", True),
    ("12?", "12", True),
    ("12!", "12", True),
    ("≈12", "12", True),
    ("about 12", "12", True),
    (">12", "12", True),
    ("at least 12", "12", True),
    ("12+", "12", True),
    ("3.14159", "3.14", False),
    ("3.14", "3.14159", False),
    ("99.99", "100", False),
    ("1001", "1000", False),
    ("990", "1000", False),
    ("1,000", "1", False),
    ("1,000", "0", False),
    ("1.000", "1000", False),
    ("1.000", "1", True),
    ("100", "1,00", False),
    ("7,5", "7.5", False),
    ("12 and 13", "13", False),
    ("12 and 13", "12", False),
    ("Answer: 12 and 13", "13", False),
    ("2:30 PM", "30", False),
    ("at 5 pm", "5", True),
    ("5:00", "5", False),
    ("January 5, 2020", "5", False),
    ("3-4 days", "4", False),
    ("3 to 4 days", "4", False),
    ("3–4", "3", False),
    ("$3-$4", "4", False),
    ("$3 - $4", "4", False),
    ("between $3 and $4", "3", False),
    ("between 3 and 4 km", "4", False),
    ("3x4", "4", False),
    ("3 x 4", "4", False),
    ("3×4=12", "12", True),
    ("x=3 or x=4", "4", False),
    ("x = 3, y = 4", "4", True),
    ("5.5.5", "5", False),
    ("The answer isn't 12, it's 15.", "15", True),
    ("The answer isn't 12, it's 15.", "12", False),
    ("15, rather than 12", "15", True),
    ("15, rather than 12", "12", False),
    ("It is 15 instead of 12", "12", False),
    ("I first thought 12. Actually, the answer is 15.", "15", True),
    ("The answer is not 12.", "12", False),
    ("Not 12", "12", False),
    ("I don't know, maybe 12?", "12", True),
    ("The answer cannot be determined.", "3", False),
    ("We have 3 items. The answer is unknown.", "3", False),
    ("Final answer: 1. 000", "1000", False),
    ("Answer: 18 (eighteen dollars)", "18", True),
    ("The answer is eighteen (18).", "18", True),
    ("Answer: No. 5", "5", True),
    ("#### 5/8", "0.625", True),
    ("#### -5", "-5", True),
    ("#### - 5", "-5", True),
    ("Answer: minus five", "-5", True),
    ("the answer is: \n\n$$18$$", "18", True),
    ("The answer is\n18", "18", True),
    ("**Final Answer**\n\n18", "18", True),
    ("**Final Answer**: \\boxed{18}\nLet me know if you have 2 questions", "18", True),
    ("### Final answer\n\\(\\boxed{18}\\)", "18", True),
    ("{'answer': 18, 'confidence': 0.9}", "18", True),
    ('{"final_answer": "18", "confidence": 0.95}', "18", True),
    ("<think>5+6=11</think>\nThe answer is 11.", "11", True),
    ("Ans: 18", "18", True),
    ("ANSWER: 18", "18", True),
    ("Answer 18", "18", True),
    ("The answer would be 18", "18", True),
    ("My answer is that there are 18.", "18", True),
    ("The answers are 3 and 4", "4", False),
    ("18 is the answer", "18", True),
    ("18 is the answer to question 3", "18", True),
    ("So 18 is the final answer.", "18", True),
    ("Answer: Janet has 9 eggs left and makes 9*2 = $18.", "18", True),
    ("The correct answer is 18, which is 2 times 9", "18", True),
    ("5 km", "5000 m", False),
    ("5 kg", "5 g", False),
    ("5 hours", "5 minutes", False),
    ("$5", "5 cents", False),
    ("5 mph", "5 km/h", False),
    ("60 minutes", "1 hour", False),
    ("5 apples", "5 oranges", True),
    ("3 km/h", "3 km", False),
    ("3 feet", "3 ft", True),
    ("100 square feet", "100", True),
    ("100 sq ft", "100 square feet", True),
    ("20 m²", "20 m^2", True),
    ("20 m2", "20 m²", False),
    ("20°", "20", True),
    ("5'", "5", True),
    ('5"', "5", True),
    ("5 feet", "5'", True),
    ("1 000,50", "1000.5", False),
    ("1.234,50", "1234.5", True),
    ("Rs. 500", "500", True),
    ("Rs 1,50,000", "150000", True),
    ("₹1,50,000", "150000", True),
    ("500 yen", "¥500", True),
    ("CHF 5", "5", True),
    ("5k", "5000", True),
    ("5K", "5000", True),
    ("5k", "5", False),
    ("2 lakh", "200000", True),
    ("10 hundred", "1000", True),
    ("5 thousand", "5000", True),
    ("She makes 18 dollars (9 * 2)", "18", True),
    ("So 5 * (2 + 3)", "5", False),
    ("The total is 72 clips (48 + 24 = 72).", "72", True),
    ("10%", "1000", False),
    ("18", "18", True),
    ("18.", "18", True),
    ("18.00", "18", True),
    ("1,080", "1080", True),
    ("The answer is 12 apples, not 15.", "12", True),
    ("The answer is 12 apples, not 15.", "15", False),
    ("so 3 + 4 = 7 dollars", "7", True),
    ("#### 1,000.00", "1000", True),
    ("\\boxed{\\frac{1}{2}}", "0.5", True),
    ("Answer: 5 or 6", "5", False),
    ("Answer: 5 or 6", "6", False),
    ("He has $1,234.50 left", "1234.5", True),
    ("−7", "-7", True),
    ("–7", "-7", True),
    ("1.000.000", "1000000", True),
    ("3:30", "30", False),
    ("3:30", "3", False),
    ("5-6", "6", False),
    ("5–6", "6", False),
    ("10^6", "1000000", True),
    ("x = 12", "12", True),
    ("12 (twelve)", "12", True),
    ("between 3 and 4", "4", False),
    ("between 3 and 4", "3", False),
    ("twelve", "12", True),
    ("The answer is twelve.", "12", True),
    ("She has twenty-one apples.", "21", True),
    ("one hundred and five", "105", True),
    ("1e999999999", "1", False),
    ("1e999999999", "1e999999999", False),
    ("inf", "inf", False),
    ("nan", "nan", False),
    ("50%", "50", True),
    ("50", "50%", True),
    ("50%", "0.5", True),
    ("0.5", "50%", True),
    ("2500%", "25", False),
    ("100%", "1", False),
    ("0.5%", "50%", False),
    ("1 1/2", "1.5", True),
    ("1½", "1.5", True),
    ("½", "1/2", True),
    ("½", "0.5", True),
    ("-½", "-0.5", True),
    ("3/4", "0.75", True),
    ("\\frac{3}{4}", "3/4", True),
    ("-\\frac{3}{4}", "-0.75", True),
    ("1\\frac{1}{2}", "1.5", True),
    ("1.5×10^3", "1500", True),
    ("1.5 \\times 10^{3}", "1500", True),
    ("1e3", "1000", True),
    ("1.5 x 10³", "1500", True),
    ("2.5E-3", "0.0025", True),
    ("10⁻³", "0.001", True),
    ("1 000 000", "1000000", True),
    ("1\u2009000", "1000", True),
    ("1\xa0000", "1000", True),
    ("1\u202f000", "1000", True),
    ("1,00,000", "100000", True),
    ("1'000", "1000", True),
    ("1,5", "5", False),
    ("1,5", "15", False),
    ("１２３", "123", True),
    ("٣٤", "34", True),
    ("€5", "5", True),
    ("5 USD", "5", True),
    ("USD 5", "5", True),
    ("US$5", "5", True),
    ("5 apples", "5", True),
    ("3 km", "3", True),
    ("3 km", "3 miles", False),
    ("$5", "€5", False),
    ("$5", "$5", True),
    ("5 dollars", "$5", True),
    ("5kg", "5", True),
    ("-$5", "-5", True),
    ("$-5", "-5", True),
    ("($500)", "-500", True),
    ("(5)", "5", True),
    ("\\$18", "18", True),
    ("**18**", "18", True),
    ("The answer is **18**.", "18", True),
    ("$\\boxed{18}$", "18", True),
    ("\\boxed{18\\text{ dollars}}", "18", True),
    ("\\boxed{x=18}", "18", True),
    ("\\boxed{\\$1{,}000}", "1000", True),
    ("1\\,000", "1000", True),
    ("\\boxed{\\text{18 apples}}", "18", True),
    ("\\boxed{\\frac{\\sqrt{3}}{2}}", "2", False),
    ("2\\pi", "2", False),
    ("\\boxed{5, 6}", "6", False),
    ("\\boxed{5, 6}", "5", False),
    ("A: 5 apples + 3 apples = 8 apples", "8", True),
    ("Answer: 3 * 4", "4", False),
    ("Answer: 3 + 4", "7", False),
    ("Answer: 20 - 5 = 15", "15", True),
    ("16-3=13", "13", True),
    ("16 - 3 = 13", "13", True),
    ("The answer is 40% of 50, which is 20", "20", False),
    ("Janet makes 9*2=$18 every day", "18", True),
    ("RV-72", "72", False),
    ("The code is RV-72", "72", False),
    ("GPT-4 says 18", "18", True),
    ("Answer: Let me think.\n16-3-4=9\nSo 9*2=18", "18", True),
    ("The answer is that she makes $18 per day. She ate 3.", "18", True),
    ("Therefore, the answer is: 18\n\nI hope this helps the 2 of you", "18", True),
    ("Final Answer: 18 dollars per day", "18", True),
    ('{"reasoning": "16-3", "final_answer": "18"}', "18", True),
    ("<answer>18</answer>", "18", True),
    ("The final answer is $18$. I hope it is correct.", "18", True),
    ("#### Step 1: add\n3+4=7\n#### Step 2: double\n7*2=14\nTotal 14", "14", True),
    ("#### 1. Add\n7\n#### 2. Double\n14", "14", True),
    ("5 million", "5000000", True),
    ("$5M", "5000000", True),
    ("$5k", "5000", True),
    ("5 million", "5", False),
    ("$3.2 billion", "3200000000", True),
    ("2 hours and 30 minutes", "30", False),
    ("2 hours 30 minutes", "2", False),
    ("5 feet 3 inches", "3", False),
    ("2024-01-15", "15", False),
    ("1/15/2024", "2024", False),
    ("minus 5", "-5", True),
    ("negative 5", "-5", True),
    ("negative twelve", "-12", True),
    ("- 5", "-5", True),
    ("x = - 5", "-5", True),
    ("Answer: -5", "-5", True),
    ("Answer: - 5", "-5", True),
    ("He can buy 5 to 6", "6", False),
    ("The count rose from 3 to 4", "4", True),
    ("No one knows", "1", False),
    ("The answer is not 15 but 12", "12", True),
    ("The answer is not 15 but 12", "15", False),
    ("18 or 18.0", "18", True),
    ("The answer is 18 (16 - 3 - 4 = 9, 9 * 2 = 18).", "18", True),
    ("The answer is 18, since 16-3-4 = 9", "18", True),
    (".5", "0.5", True),
    ("$.50", "0.5", True),
    ("5.", "5", True),
    ("0.1+0.2", "0.3", False),
    ("0.30000000000000004", "0.3", False),
    ("1/3", "0.333", False),
    ("1/3", "2/6", True),
    ("18.0000001", "18", False),
    ("007", "7", True),
    ("The answer is 7 (seven).", "7", True),
    ("1,000,000.00 dollars", "1000000", True),
    ("1,0000", "10000", False),
    ("Total: 1 200 apples", "1200", True),
    ("Q: foo\nA: 3\n", "3", True),
    ("Answer:\n18", "18", True),
    ("Answer:\n\n**18** eggs", "18", True),
    ("**Answer:** 18", "18", True),
    ("**Answer**: $18", "18", True),
    ("answer = 18", "18", True),
    ("The answer: eighteen", "18", True),
    ("The answer is 18 USD", "$18", True),
    ("18 €", "18", True),
    ("-1,234.5", "-1234.5", True),
    ("+5", "5", True),
    ("±5", "5", False),
    ("√16", "16", False),
    ("~18", "18", True),
    ("≈18", "18", True),
    ("18%", "18", True),
    ("eighteen percent", "18", True),
    ("5 and a half", "5", True),
    ("2 and 1/2", "2.5", True),
    ("The answer is 3/4 cup", "0.75", True),
    ("18th", "18", True),
    ("It's 18-year-old", "18", True),
    ("72-RV", "72", False),
    ("0x1F", "0", False),
    ("1.2.3.4", "4", False),
    ("555-1234", "1234", False),
    ("2^10", "1024", True),
    ("2**10", "1024", True),
    ("9^999999999", "1", False),
    ("10^-3", "0.001", True),
    ("10^{-3}", "0.001", True),
    ("1/0", "1", False),
    ("1/0", "0", False),
    ("0/5", "0", True),
    ("-0", "0", True),
    ("She makes **$18** a day", "18", True),
    ("The answer is $\\frac{1}{2}$", "0.5", True),
    ("Answer: \\(18\\)", "18", True),
    ("\\[ \\boxed{18} \\]", "18", True),
    ("18 \\text{ km}", "18 km", True),
    ("$5$ km", "5 km", True),
    ("$5\\text{ km}$", "5 km", True),
    ("Is the answer 5? No, the answer is 7.", "7", True),
    ("Is the answer 5? No, the answer is 7.", "5", False),
    ("The answer is 5. Wait, the answer is 7", "7", True),
    ("Thus the total is 5 apples, not counting 3 bad ones.", "5", True),
    ("1 000.50", "1000.5", True),
    ("12 × 3 = 36", "36", True),
    ("5 dozen", "5", True),
    ("1:2", "2", False),
    ("The answer is 1,234,567.89", "1234567.89", True),
    ("1.234.567,89", "1234567.89", True),
    ("2 cups", "2 pints", False),
    ("2 cups", "2", True),
    ("5 MB", "5 KB", False),
    ("5 lb", "5 kg", False),
    ("5 pounds", "£5", True),
    ("20 degrees", "20°C", True),
    ("5 lb 3 oz", "3", False),
    ("five trillion", "5,000,000,000,000", True),
    ("five trillion", "5", False),
]


@pytest.mark.parametrize(("answer", "truth", "right"), CASES)
def test_a_numeric_answer_is_right_or_wrong(answer: str, truth: str, right: bool) -> None:
    verdict = score(answer, truth, "numeric")
    assert verdict.correct is right, verdict
    assert verdict.scorer == "numeric"


def misscored(path: Path) -> list[str]:
    wrong = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for value in row.values():
            if isinstance(value, dict):
                for scorer in ("numeric", "auto"):
                    if score(value["solution"], row["ground_truth"], scorer).correct != value["is_correct"]:
                        wrong.append(
                            f"{scorer}: {value['solution'][-60:]!r} for {row['ground_truth'][-20:]!r}"
                        )
    return wrong


def test_labelled_solutions_are_scored_as_people_did() -> None:
    assert misscored(LABELLED) == []


@needs_shared
def test_all_labelled_solutions_are_scored_as_people_did() -> None:
    assert misscored(SHARED / "data" / "gsm8k" / "labelled_solutions.jsonl") == []


@needs_shared
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_gsm8k_solution_is_right_by_its_own_truth_and_wrong_by_the_next_number(split: str) -> None:
    for line in (SHARED / "data" / "gsm8k" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()[::10]:
        solution = json.loads(line)["answer"]
        truth = gsm8k_truth(solution)
        assert is_number(truth)
        assert score(solution, truth).correct
        assert score(solution, solution).correct
        assert not score(solution, str(int(truth.replace(",", "")) + 1)).correct


@pytest.mark.parametrize(
    ("truth", "number"),
    [
        *(
            (text, True)
            for text in (
                "5",
                "$1,080",
                "50%",
                "5 apples",
                "5 km/h",
                "3/4",
                "1 1/2",
                "-7",
                "18.",
                "x = 12",
                "1e3",
            )
        ),
        *(
            (text, True)
            for text in ("18 dollars per day", "USD 500", "20°C", "\\frac{1}{2}", "way\n#### 18", "($500)")
        ),
        *(
            (text, False)
            for text in (
                "",
                "RV-72",
                "B12",
                "3:30",
                "5-6",
                "5 or 6",
                "5 May",
                "24 june",
                "nan",
                "Paris",
                "7 Up",
            )
        ),
        *((text, False) for text in ("42 Wallaby Way", "1984 by Orwell", "2024-01-15", "1,5")),
    ],
)
def test_what_counts_as_a_number(truth: str, number: bool) -> None:
    assert is_number(truth) is number


WRITTEN = [
    "{n}",
    "{n}.",
    "{n}.00",
    "{n:,}",
    "{n:_}",
    "  {n}\n",
    "**{n}**",
    "`{n}`",
    "${n}",
    "${n:,}.00",
    "{n} dollars",
    "{n:,} apples",
    "{n}%",
    "x = {n}",
    "#### {n}",
    "A: {n}",
    "2 + 2 = 4\nA: {n:,}",
    "\\boxed{{{n}}}",
    "$\\boxed{{{n}\\text{{ km}}}}$",
    "The answer is {n}.",
    "The answer is {n}, not 123456789123.",
    "The answer is ${n:,} because 2 + 2 = 4.",
    "**Answer:** {n}",
    "We had 7 of them. So in the end there are {n} left.",
    '{{"final_answer": {n}}}',
    "{n}e0",
    "{n} × 10^0",
]


@settings(deadline=None)
@given(n=st.integers(0, 10**15), form=st.sampled_from(WRITTEN), negative=st.booleans())
def test_a_number_is_itself_however_it_is_written_and_never_the_next_one(
    n: int, form: str, negative: bool
) -> None:
    value = -n if negative and "${n" not in form else n
    text = form.format(n=value)
    for scorer in ("numeric", "auto"):
        assert score(text, str(value), scorer).correct, text
        assert not score(text, str(value + 1), scorer).correct, text
    assert score(text.replace("-", "−"), f"{value:,}").correct


@settings(deadline=None)
@given(whole=st.integers(0, 10**6), below=st.integers(2, 99), above=st.integers(1, 98))
def test_fractions_are_exact(whole: int, below: int, above: int) -> None:
    value = whole + Fraction(above, below)
    truth = f"{value.numerator}/{value.denominator}"
    assert score(f"\\boxed{{\\frac{{{value.numerator}}}{{{value.denominator}}}}}", truth).correct
    assert not score(f"{float(value):.4f}1", truth).correct
    if above < below:
        assert score(f"{whole} {above}/{below}", truth).correct


HOSTILE = [
    *(
        "1 " * 500_000,
        "9" * 10**6,
        "a: " * 300_000,
        "answer is " * 100_000,
        "####" * 250_000,
        "\\boxed{" * 150_000,
    ),
    *("-" * 10**6, "1-" * 500_000, "$" * 10**6, "\u0300\u0323" * 500_000, "\ufdfa" * 300_000, "1," * 500_000),
    *(
        "x = " * 250_000,
        "\0" * 10**6,
        "\ud800" * 10**6,
        "one " * 250_000,
        "1e" * 500_000,
        "*" * 10**6,
        "<<" * 500_000,
    ),
    *(
        "not " * 250_000,
        "²" * 10**6,
        "1 000 " * 160_000,
        "1e999999999",
        "1e" + "0" * 5000 + "3",
        "9^9^9^9",
        "10^99999999999",
        "1/" * 500_000,
    ),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_megabyte_is_just_wrong(text: str) -> None:
    assert not score(text, "52").correct
    assert not score(text, "fifty-two").correct
    assert not score(text, "J", "choice").correct
    assert not score("52", text).correct


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "NaN", "Infinity", "∞", "1/0", "1e999999999"])
def test_what_is_no_number_matches_nothing_not_even_itself(text: str) -> None:
    assert not score(text, text, "numeric").correct
    assert not score(text, "1", "numeric").correct
    assert not score("1", text, "numeric").correct
