"""What a person can consent to: read off the compiled policy, never written in code."""

from collections.abc import Collection

from office.errors import OfficeError
from policy.plan.consents import Grantable


def chosen(
    offered: Collection[Grantable],
    purpose: str,
    basis: str | None = None,
    recipient: str | None = None,
    notice: str | None = None,
) -> Grantable:
    """The one consent that fits what is given; OfficeError if none or several do."""
    to_purpose = [one for one in offered if one.purpose == purpose]
    fitting = [
        one
        for one in to_purpose
        if basis in (None, one.basis)
        and recipient in (None, one.recipient)
        and notice in (None, one.notice)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise OfficeError(_refusal(offered, fitting or to_purpose, several=bool(fitting)))


def not_offered(offered: Collection[Grantable], purpose: str) -> OfficeError:
    """The refusal of a consent that the policy does not ask for."""
    to_purpose = [one for one in offered if one.purpose == purpose]
    return OfficeError(_refusal(offered, to_purpose, several=False))


def _refusal(offered: Collection[Grantable], near: Collection[Grantable], *, several: bool) -> str:
    listed = "; ".join(sorted(map(str, near)))
    if several:
        return f"the policy asks for several consents to that purpose, say which: {listed}"
    if near:
        return f"the policy asks for other consents to that purpose: {listed}"
    purposes = ", ".join(sorted({one.purpose for one in offered})) or "none"
    return f"the policy asks for no consent to that purpose; the purposes that do: {purposes}"
