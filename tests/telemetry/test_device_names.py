import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.device_names import NAME_CHARS_MAX, PREFIX, device_of, name_of
from telemetry.identity import DeviceId

IDS = st.text(min_size=1, max_size=64).filter(lambda one: one.isprintable() and " " not in one)


@given(IDS)
def test_a_name_tells_the_device_again_in_plain_ascii(text: str) -> None:
    name = name_of(DeviceId(text))
    assert device_of(name) == text
    assert name.isascii() and len(name) <= NAME_CHARS_MAX
    assert set(name.removeprefix(PREFIX)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"
    )


@given(st.text(max_size=80))
def test_whatever_reads_as_a_device_is_written_just_so(text: str) -> None:
    device = device_of(PREFIX + text)
    assert device is None or name_of(device) == PREFIX + text


@pytest.mark.parametrize(
    "name",
    [
        "",
        PREFIX,
        "dongle-7",
        "urn:roadfade:devices:dongle-7",
        "URN:roadfade:device:dongle-7",
        PREFIX + "%64ongle-7",  # one id may not have two names
        PREFIX + "a%2fb",
        PREFIX + "a%20b",
        PREFIX + "a%00b",
        PREFIX + "a%",
        PREFIX + "a%4",
        PREFIX + "a%+4",
        PREFIX + "%FF",
        PREFIX + "a" * 65,
        PREFIX + "é",
    ],
)
def test_what_is_not_exactly_a_name_is_nobodys(name: str) -> None:
    assert device_of(name) is None
