from policy.vocabulary.nearest import nearest, write_nearest

KNOWN = ("Vehicle.Speed", "Vehicle.Angle")


def test_a_slip_is_answered_with_the_nearest_word_and_the_way_out() -> None:
    found = write_nearest("Vehicle.Sped", KNOWN, "a path of the catalogue")
    assert found == "write `Vehicle.Speed`, or a path of the catalogue"


def test_a_word_like_no_other_is_answered_with_the_way_out_alone() -> None:
    assert write_nearest("?", KNOWN, "a path of the catalogue") == "write a path of the catalogue"
    assert nearest("?", KNOWN) is None


def test_how_alike_is_enough_is_for_the_asker_to_say() -> None:
    assert nearest("Vehicle.Sp", KNOWN, alike=0.8) == "Vehicle.Speed"
    assert nearest("Vehicle.Sp", KNOWN, alike=0.95) is None
