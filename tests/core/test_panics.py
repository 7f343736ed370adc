"""A mistake in the core is an exception for whoever called it; the process lives on."""

import pytest

from tests.support.ready_batches import CORE_IS_BUILT, needs_core

if CORE_IS_BUILT:
    import roadfade_core

pytestmark = needs_core


def test_a_panic_is_raised_and_the_core_works_on(capfd: pytest.CaptureFixture[str]) -> None:
    # pyo3's own: no Exception, so that nobody takes it for a record that is wrong.
    with pytest.raises(BaseException, match="on purpose") as raised:
        roadfade_core.panic_on_purpose()
    assert type(raised.value).__name__ == "PanicException"
    assert not isinstance(raised.value, Exception)
    # What it says may quote a record; where it happened does not.
    said = capfd.readouterr().err
    assert "src/python/mod.rs" in said and "on purpose" not in said
    assert roadfade_core.INTERFACE > 0
