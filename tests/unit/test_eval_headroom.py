"""The baseline: errors sorted by cause, and what a playbook can be expected to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ace_cli.evaluation.headroom import headroom
from ace_cli.evaluation.records import Arm, Cause, Headroom, Trial
from ace_cli.scoring import SCORERS


def trial(
    at: int, truth: str, answer: str, score: float = 0.0, *, repeat: int = 0, failed: bool = False
) -> Trial:
    return Trial(
        example_id=f"e{at}",
        arm=Arm.BASE,
        score=score,
        truth=truth,
        answer=answer,
        repeat=repeat,
        failed=failed,
    )


def sorted_out(*rows: Trial) -> dict[str, tuple[Cause, str]]:
    found = headroom(rows, scorer=SCORERS["auto"])
    return {wrong.example_id: (share.cause, wrong.why) for share in found.causes for wrong in share.wrong}


@pytest.mark.parametrize(
    ("truth", "answer", "cause", "why"),
    [
        ("RV-72", "rv 72", Cause.FORMAT, "case, spaces or punctuation"),
        ("Paris", "The capital, which is Paris, lies on the Seine.\nIt is large.", Cause.FORMAT, "more around it"),
        ("5 apples", "5 km", Cause.FORMAT, "the number is right"),
        ("12.5", "12.48", Cause.FORMAT, "rounded"),
        ("12", "12.48", Cause.FORMAT, "rounded"),
        ("6.0", "6.08", Cause.SLIP, "nearly"),
        ("3.18", "3.00", Cause.SLIP, "nearly"),
        ("50", "0.5", Cause.FORMAT, "off by 100"),
        ("300000000.0", "300.00", Cause.FORMAT, "the number is 1,000,000 times too small"),
        ("240", "$240,000", Cause.FORMAT, "the number is 1,000 times too large"),
        ("36", "360", Cause.SLIP, "a wrong number"),
        ("175344.97", "173.55", Cause.SLIP, "a wrong number"),
        ("B", "Answer: b. It is (B), not (C).", Cause.FORMAT, "the letter is right"),
        ("the blue one", "It is not the blue one.", Cause.KNOWLEDGE, "unlike"),
        ("18", "", Cause.KNOWLEDGE, "gives no answer"),
        ("RV-72", "I don't know the code.", Cause.KNOWLEDGE, "gives no answer"),
        ("RV-72", "Cannot be determined from the question", Cause.KNOWLEDGE, "gives no answer"),
        ("RV-72", "The forklift is in hall three.", Cause.KNOWLEDGE, "unlike the right answer"),
        ("18", "many", Cause.KNOWLEDGE, "gives no number"),
        ("100", "97", Cause.SLIP, "nearly the right number"),
        ("100", "31", Cause.SLIP, "a wrong number"),
        ("100", "90 or 80", Cause.SLIP, "does not settle"),
        ("B", "C", Cause.SLIP, "a wrong choice"),
        ("reset the router", "reset the routers", Cause.SLIP, "nearly the right words"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_sorted_by_a_rule_that_says_why(
    truth: str, answer: str, cause: Cause, why: str
) -> None:
    found = sorted_out(trial(0, truth, answer))["e0"]
    assert found[0] is cause
    assert why in found[1]


def test_the_same_factor_in_three_examples_is_a_convention() -> None:
    found = sorted_out(*(trial(at, str(right), str(right * 6 // 5)) for at, right in enumerate((10, 20, 30))))
    assert set(found.values()) == {(Cause.KNOWLEDGE, "1.2 times the right number, for 3 numbers")}
    alone = sorted_out(trial(0, "10", "12"), trial(1, "20", "50"))
    assert {cause for cause, _ in alone.values()} == {Cause.SLIP}


def test_labels_of_the_data_are_a_convention() -> None:
    labels = ["billing", "delivery", "returns"] * 4
    rows = [trial(at, label, label, 1.0) for at, label in enumerate(labels)]
    rows += [
        trial(20, "billing", "delivery"),
        trial(21, "billing", "delivery"),
        trial(22, "returns", "complaint"),
    ]
    rows += [trial(23, "returns", "billing and delivery")]
    found = sorted_out(*rows)
    assert {cause for cause, _ in found.values()} == {Cause.KNOWLEDGE}
    assert found["e20"][1] == "takes another answer of the data for the right one, in 2 examples"
    assert found["e22"][1] == "not one of the 3 answers that the data uses"
    assert found["e23"][1] == "names several of the answers that the data uses"


def test_repeats_tell_slips_from_what_is_always_wrong() -> None:
    rows = [
        *(
            trial(0, "40", answer, score, repeat=at)
            for at, (answer, score) in enumerate([("40", 1), ("31", 0)])
        ),
        *(trial(1, "40", "31", repeat=at) for at in range(2)),
        *(trial(2, "40", answer, repeat=at) for at, answer in enumerate(["31", "17"])),
    ]
    assert sorted_out(*rows) == {
        "e0": (Cause.SLIP, "right in 1 of 2 answers"),
        "e1": (Cause.KNOWLEDGE, "the same wrong answer every time"),
        "e2": (Cause.SLIP, "another wrong answer every time"),
    }


def test_repeats_at_temperature_0_tell_nothing_and_it_is_said() -> None:
    found = headroom([trial(at, "40", "31", repeat=repeat) for at in range(5) for repeat in range(3)])
    assert [share.cause for share in found.causes] == [Cause.SLIP]
    assert any("every repeat gave the same answer" in note for note in found.notes)


def made(right: int = 0, knowledge: int = 0, form: int = 0, slip: int = 0, failed: int = 0) -> Headroom:
    kinds = [
        *[("7", "7", 1.0)] * right,
        *[("RV-72", "no idea at all", 0.0)] * knowledge,
        *[("RV-72", "rv72", 0.0)] * form,
        *[("100", "97", 0.0)] * slip,
        *[("", "", 0.0)] * failed,
    ]
    rows = [trial(at, *kind, failed=not kind[0]) for at, kind in enumerate(kinds)]
    return headroom(rows)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"right": 10, "knowledge": 20, "form": 10}, "A playbook can be expected to help: 75 points"),
        ({"right": 38, "slip": 60}, "A playbook can hardly help: only 0 points"),
        ({"right": 30, "knowledge": 3, "slip": 2}, "It is open whether a playbook helps: 9 points"),
        ({"right": 20}, "nothing to gain"),
        ({"right": 10, "form": 10, "knowledge": 20}, "Format alone is 25 points of that"),
        ({"right": 10, "slip": 20}, "slips or limits of the model"),
        ({"knowledge": 3}, "more than 3 rows to show any gain"),
    ],
)
def test_whether_a_playbook_can_help_is_said_in_words(counts: dict[str, int], said: str) -> None:
    assert said in " ".join(made(**counts).words)


def test_shares_and_points_add_up_to_what_is_missing() -> None:
    found = made(right=10, knowledge=20, form=5, slip=4, failed=1)
    assert [share.cause for share in found.causes] == [
        Cause.KNOWLEDGE,
        Cause.FORMAT,
        Cause.SLIP,
        Cause.FAILED,
    ]
    assert sum(share.share for share in found.causes) == pytest.approx(1)
    assert sum(share.points.value for share in found.causes) == pytest.approx(1 - found.base.accuracy.value)
    assert sum(share.examples for share in found.causes) == 30
    assert any("failed calls count as wrong (2 points)" in note for note in found.notes)


def test_a_scorer_that_costs_something_is_never_asked() -> None:
    assert headroom([trial(0, "a b", "x\ny")]).causes[0].cause is Cause.KNOWLEDGE


def test_trials_of_two_arms_are_an_error() -> None:
    with pytest.raises(ValueError, match="one arm"):
        headroom([trial(0, "1", "1"), replace(trial(1, "1", "1"), arm=Arm.PLAYBOOK)])
    with pytest.raises(ValueError, match="one arm"):
        headroom([])
