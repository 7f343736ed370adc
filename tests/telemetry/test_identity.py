import traceback

import pytest

from telemetry.identity import DeviceId, EpochKey, LinkSecret, Pseudonym, SubjectId
from telemetry.wire.control import LinkInterval, decode_row, encode_row
from telemetry.wire.envelope import decode_envelope
from tests.support.worlds import envelope

PLANTED = "JH4KA7650MC000001"


@pytest.mark.parametrize(
    "identity",
    [
        DeviceId(PLANTED),
        SubjectId(PLANTED),
        Pseudonym(PLANTED),
        LinkSecret(PLANTED.encode()),
        EpochKey(PLANTED.encode()),
    ],
)
def test_an_identity_never_shows_in_its_repr(identity: object) -> None:
    assert PLANTED not in repr(identity)
    assert PLANTED not in f"{[identity]!r}"


def test_secrets_do_not_show_as_text_either() -> None:
    secrets = (LinkSecret(PLANTED.encode()), EpochKey(PLANTED.encode()))
    assert PLANTED not in "".join(map(str, secrets))


def test_an_envelope_in_a_traceback_shows_no_device() -> None:
    held = decode_envelope(envelope({}, device=PLANTED, dtc=["P0301"]))
    with pytest.raises(ValueError, match="Envelope") as caught:
        raise ValueError(repr(held))
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


def test_a_link_survives_the_wire_and_shows_nothing() -> None:
    link = LinkInterval(
        "row", DeviceId(PLANTED), SubjectId(PLANTED), LinkSecret(PLANTED.encode()), 1, None
    )
    assert decode_row(encode_row(link)) == link
    assert PLANTED not in repr(link)


def test_a_link_carries_its_role_over_the_wire_and_not_into_its_repr() -> None:
    ids = DeviceId(PLANTED), SubjectId(PLANTED), LinkSecret(PLANTED.encode())
    link = LinkInterval("row", *ids, 1, None, "minor")
    assert decode_row(encode_row(link)) == link
    assert "minor" not in repr(link)


def test_a_link_written_before_roles_has_a_driver_nobody_confirmed() -> None:
    before = b'{"kind":"link","link":"r","device":"d","subject":"s","secret":"c2VjcmV0","from_ms":0,"to_ms":1}'
    read = decode_row(before)
    assert isinstance(read, LinkInterval)
    assert read.role == "unknown"
