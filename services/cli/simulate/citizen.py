"""What a citizen says when called back."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from services.cli.simulate.city import Street
from services.cli.simulate.dice import pick

_REASONS = (
    ("no_answer", 55),
    ("not_connected_1", 20),
    ("not_connected_2", 15),
    ("cannot_call_back", 10),
)
_CONTENT = (("satisfied", 80), ("basically_satisfied", 20))
_DISCONTENT = (("neutral", 30), ("dissatisfied", 50), ("very_dissatisfied", 20))


class Answer(NamedTuple):
    """The answers as an event carries them, and what they amount to."""

    answers: dict[str, str]
    solved: bool
    pleased: bool


def answer(random: Random, street: Street, contacted: bool, solved_chance: float) -> Answer:
    """Draw the answers of a citizen who was reached."""
    solved = random.random() < solved_chance
    pleased = random.random() < (0.95 if solved else street.pleasing)
    grades = _CONTENT if pleased else _DISCONTENT
    answers = {"contacted": "yes" if random.random() < (0.997 if contacted else 0.3) else "no"}
    if random.random() < 0.985:  # noqa: PLR2004 - others hang up after the first question
        not_solved = pick(random, (("no", 70), ("partly", 22), ("basically", 8)))
        answers["solved"] = "yes" if solved else not_solved
        if random.random() < 0.99:  # noqa: PLR2004 - or after the second
            answers["satisfaction"] = pick(random, grades)
            answers["effect"] = pick(random, grades)
            answers["attitude"] = pick(random, _CONTENT if pleased or contacted else _DISCONTENT)
    return Answer(answers, solved, pleased)


def unreached(random: Random, channel: str) -> str:
    """Why the citizen was not reached; a message is simply not answered."""
    return pick(random, _REASONS) if channel == "phone" else "silent"
