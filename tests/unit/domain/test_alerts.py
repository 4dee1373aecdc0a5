from services.domain.alerts import bottom_changes


def test_who_came_in_and_who_left() -> None:
    changes = bottom_changes(frozenset("abc"), frozenset("cde"))
    assert changes.entered == ("d", "e")
    assert changes.left == ("a", "b")


def test_no_change() -> None:
    assert not any(bottom_changes(frozenset("ab"), frozenset("ab")))
