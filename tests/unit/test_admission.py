"""What may become a bullet. The refused sentences are of the kinds that real small models wrote."""

from __future__ import annotations

import pytest

from ace_cli.stages.admission import Admission
from ace_cli.stages.prompts import load_prompts

ADMISSION = Admission(load_prompts().texts.values())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is empty"),
        ("!!! ...", "it is empty"),
        ("x " * 3000, "it is too long (6,000 characters"),
        ("When <condition>, <strategy>.", "it holds a placeholder"),
        ("When [condition], do it.", "it holds a placeholder"),
        ("A lesson says in one sentence in which cases it holds.", "it repeats the prompt"),
        ("It says in one sentence: in which cases it holds and what to do there!", "it repeats the prompt"),
        ("The capital of France is Paris.", "it repeats the prompt"),
        ("The reply must be only the JSON object.", "it is about the form of the reply"),
        ("Fill in final_answer as asked.", "it is about the form of the reply"),
        ("The answer provided (4) is incorrect because the fare is 7 crowns.", "it is about one answer"),
        ("The answer 7 is incorrect because it is not the total fare.", "it is about one answer"),
        ("The correct answer should be Larch, not Oak.", "it is about one answer"),
        ("The attempt did not multiply.", "it is about one answer"),
        ("Therefore, the correct answer is 100.", "it is about one answer"),
        ("So the total number of marbles is 20.", "it is about one answer"),
        ("The correct sum is 28 + 28 + 21.", "it is about one answer"),
        ("The question is incomplete and lacks what is needed to solve it.", "it is about one question"),
        ("The problem is asking for permits stamped today, not in 6 hours.", "it is about one question"),
        (
            "The information provided is insufficient to tell the number of ounces.",
            "it is about one question",
        ),
        ("Count all gifts. In this case, she gave twice as many marbles.", "it is about one question"),
        (
            "It is important to carefully read and understand the question before attempting to solve it.",
            "it would be true of any task",
        ),
        ("The lesson's content is clear and concise.", "it is about the form of the reply"),
        ("The mistake is in the sum of the ages. The sum should be 84, not 28.", "it is about one answer"),
        ("The answer provided uses another formula.", "it is about one answer"),
        ("The formula used in the answer is incorrect.", "it is about one answer"),
        ("The rule that applies is B001, which states that all count.", "it is about another bullet"),
        ("Use lesson [B012] for such questions.", "it is about another bullet"),
        ("It is important to check the answer against the truth.", "it would be true of any task"),
        ("Read the question carefully and check the answer.", "it would be true of any task"),
        (
            "It's important to carefully read the problem and understand the information given.",
            "it would be true of any task",
        ),
        (
            "It is also important to follow the steps outlined in the reasoning section.",
            "it would be true of any task",
        ),
        ("This approach is straightforward and easy to follow for an order.", "it is about one answer"),
        ("This method ensures that all the cakes are counted.", "it is about one answer"),
        (
            "The Sharpe Ratio is a useful metric for evaluating a portfolio, as it takes its risk into account.",
            "it says what something is good for",
        ),
        ("The formula for calculating ROA is incorrect.", "it is about one answer"),
        (
            "The steps to calculate the number of steps are: 4500 (Mabel's steps) + 3750 (Helen's steps) = 8250 steps.",
            "it works out one sum",
        ),
        ("The calculation of the ages is straightforward: 12 + 14 + 2 = 28.", "it works out one sum"),
        ("Half of the clips is 48 / 2 = 24 clips.", "it works out one sum"),
        (
            "It is also important to check the answer provided and make sure it is correct before accepting it.",
            "it would be true of any task",
        ),
        (
            "The formula for the inflation rate is incorrect. It should be (CPI_this - CPI_last) / CPI_last.",
            "it is about one answer",
        ),
        (
            "Use EAR = (1 + r/n)^n - 1. Plugging in the values for the given credit card, we get 0.0927.",
            "it is about one answer",
        ),
        (
            "The formula is NPV = R_t / (1 + i)^t, where t is the period. In this case, the inflows are $6,000.",
            "it is about one question",
        ),
        ("The ratio is not a perfect measure of a firm's health.", "it says what something is good for"),
        (
            "The formula for calculating market capitalization is a fundamental concept in finance.",
            "it says what something is good for",
        ),
        (
            "The Black-Scholes Model is a widely used model in finance to determine the price of an option.",
            "it says what something is good for",
        ),
    ],
)
def test_what_is_no_lesson_is_refused_with_the_reason(content: str, why: str) -> None:
    assert ADMISSION.refusal(content).startswith(why)


@pytest.mark.parametrize(
    "content",
    [
        "When a note is about lost property found in a room, the shelf is Larch.",
        "Children under 6 ride free; count only the others.",
        "Add the fee once for each order, for example 4 + 2 = 6 for two boxes.",
        "When a parcel is over 5 kg, add 2 crowns a kilogram: 7 x 2 = 14.",
        "The discount is 10% of the price = the sum before freight.",
        "EAR = (1 + r/n)^n - 1 with n = 4 for quarters, n = 12 for months.",
        "When a bus is numbered B101 or above, it stops at the pier.",
        "The payout ratio is a useful metric. It is calculated by dividing dividends by net income.",
        "The theorem is a fundamental concept that states that a levered firm is worth an unlevered one and its tax shield.",
        "The median is a useful measure when a few values are very large.",
        "The present value is PV = FV / (1 + r)^n, where r is the interest rate and n the number of periods.",
        "When the formula is correct, but the unit is not, convert the result.",
        "Where a ferry is full, wait. In this case, tell the harbour.",
        "A mutex is a useful tool: the counter must be read under it.",
        "When fares are added, this method is used: children first.",
        "Follow the steps outlined in the manual of the pump.",
        "When a rule of the house is broken, room B201 is told.",
        "The answer is negative when the flow goes out.",
        "When the question asks for a ratio, the answer is given with two decimals.",
        "Serialise the request body as a JSON object, never as a list.",
        "If [x] is a list in the code, index it from 0.",
        "When the correct answer is a date, write the day before the month.",
        "Subtract the discount before adding 19 % tax.",
        "When several buses are needed, the correct answer is 1 more than the division says.",
        "When the question is asking for a price in total, add the delivery.",
        "When a rate is asked for, the answer given is a percentage.",
        "If the information given is incomplete, answer unknown.",
        "Leases over a year are debts. Therefore, list them as liabilities.",
        "Discounts come before tax. So subtract them first.",
        "The final amount is 15 % of the fare.",
        "Round up, so that the last bus takes the rest.",
        "Wenn der Beleg aus Wien kommt, gehört er in Fach 3.",
    ],
)
def test_a_lesson_is_admitted(content: str) -> None:
    assert ADMISSION.refusal(content) == ""


def test_a_prompt_of_the_users_own_is_known_too() -> None:
    own = Admission(["Write down what the clerk of the harbour ought to have known."])
    assert own.refusal("Know what the clerk of the harbour ought to have known.") == "it repeats the prompt"
    assert ADMISSION.refusal("Know what the clerk of the harbour ought to have known.") == ""
