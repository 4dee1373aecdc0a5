"""Alerts as people read them."""

from __future__ import annotations

from services.domain.alert_texts import alert_text

AT = "2026-11-10T10:07:00+08:00"


def test_the_unit_what_happened_and_the_numbers_are_told() -> None:
    evidence = {"rank": 334, "score": "88.12", "margin": "-0.03", "orders": ["a"]}

    told = alert_text("bottom_entered", "东华门街道", "2026-11", evidence, AT)

    assert told.title == "东华门街道：进入末位"
    assert told.text == (
        f"东华门街道在 2026-11 中进入末位，名次 334，得分 88.12，与末位线差距 -0.03。截至 {AT}"
    )


def test_what_is_not_known_is_left_out() -> None:
    told = alert_text("bottom_left", "东华门街道", "2026-11", {"rank": None}, AT)

    assert told.text == f"东华门街道在 2026-11 中退出末位。截至 {AT}"


def test_a_rule_without_words_is_named() -> None:
    assert alert_text("new_rule", "甲", "2026-11", {}, AT).title == "甲：new_rule"
