import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.vocabulary.operations import MeshH3, MeshJis
from processors.column_operations import cell_of
from telemetry.grids import jis_mesh

# The corner and the edges that JIS X 0410 gives by definition, worked by hand.
TOKYO_STATION = (35.681236, 139.767125)


@pytest.mark.parametrize(
    ("size_m", "code"),
    [(10_000, "533946"), (1_000, "53394611"), (500, "533946113"), (250, "5339461132")],
)
def test_tokyo_station_lies_in_its_published_mesh(size_m: int, code: str) -> None:
    assert jis_mesh(*TOKYO_STATION, size_m) == code


@pytest.mark.parametrize(
    ("place", "code"),
    [((26.2124, 127.6809), "39272554"), ((43.0621, 141.3544), "64414278")],
    ids=["Naha", "Sapporo"],
)
def test_cells_hold_in_the_far_south_and_north(place: tuple[float, float], code: str) -> None:
    assert jis_mesh(*place, 1_000) == code


def test_a_place_on_an_edge_as_written_lies_in_the_cell_it_begins() -> None:
    # 30 seconds of arc are 1/120 degree: every tenth of a degree is an edge of whole cells.
    for tenth in range(200, 460):
        code = jis_mesh(tenth / 10, 139.7, 1_000)
        assert code is not None
        row = int(code[:2]) * 80 + int(code[4]) * 10 + int(code[6])
        assert row == tenth * 12
    for tenth in range(1220, 1540):
        code = jis_mesh(35.7, tenth / 10, 1_000)
        assert code is not None
        column = (int(code[2:4]) + 100) * 80 + int(code[5]) * 10 + int(code[7])
        assert column == tenth * 8


@pytest.mark.parametrize("place", [(56.1, 10.1), (35.0, 90.0), (-35.0, 139.0), (90.0, 180.0)])
def test_a_place_outside_japan_has_no_jis_mesh(place: tuple[float, float]) -> None:
    assert jis_mesh(*place, 500) is None


JAPAN = st.tuples(st.floats(20, 45.999), st.floats(122, 153.999))


@given(JAPAN)
def test_a_coarser_cell_is_a_prefix_of_a_finer_one(place: tuple[float, float]) -> None:
    fine = jis_mesh(*place, 250)
    assert fine is not None
    for size_m in (500, 1_000, 10_000):
        coarse = jis_mesh(*place, size_m)
        assert coarse is not None
        assert fine.startswith(coarse)


@given(JAPAN)
def test_moving_less_than_a_cell_north_changes_at_most_to_the_neighbour(
    place: tuple[float, float],
) -> None:
    here, there = jis_mesh(*place, 1_000), jis_mesh(place[0] + 1e-9, place[1], 1_000)
    assert here is not None
    assert there is None or len(here) == len(there) == 8


def test_an_h3_cell_is_the_one_the_library_gives() -> None:
    assert cell_of(MeshH3(8))(*TOKYO_STATION) == "882f5a32d9fffff"


def test_abroad_a_mesh_withholds_unless_the_policy_names_what_stands_in() -> None:
    aarhus = (56.15, 10.2)
    assert cell_of(MeshJis(500))(*aarhus) is None
    assert cell_of(MeshJis(500, elsewhere=True))(*aarhus) == cell_of(MeshH3(8))(*aarhus)
    assert cell_of(MeshJis(500, elsewhere=True))(*TOKYO_STATION) == "533946113"
