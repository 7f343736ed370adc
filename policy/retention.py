"""How long a cell keeps: the period that is compiled, and the grain that dates its end."""

from policy.page import KeepFor
from policy.periods import coarsest_grain
from policy.problems import Findings
from policy.terms import Period, Where
from policy.words import OPEN_TRIGGERS
from telemetry.instants import Grain


def period(keep: KeepFor, where: Where, findings: Findings) -> Period:
    """The longest possible life: ``at_most``, or the cap of an event that may never come."""
    if keep.trigger not in OPEN_TRIGGERS:
        if keep.cap is not None:
            remedy = f"remove `cap`: `{keep.trigger}` comes with every reading"
            findings.error(where, "a cap without an open trigger", keep.cap, remedy)
        return keep.at_most
    if keep.cap is None:
        message = f"`{keep.trigger}` may never come, so this period may never end"
        remedy = "add `cap: 400 days`, counted from the reading"
        findings.error(where, message, keep.trigger, remedy)
        return keep.at_most
    return keep.cap


def grain(keep: KeepFor, longest: Period, where: Where, findings: Findings) -> Grain:
    """The grain asked for, else the coarsest that is at most a 24th of the period."""
    coarsest = coarsest_grain(longest)
    if keep.grain is None:
        return coarsest
    asked = Grain(keep.grain)
    if asked.fineness > coarsest.fineness:
        message = f"the grain is coarser than a 24th of {longest}"
        findings.error(where, message, keep.grain, f"write `grain: {coarsest}` or finer")
        return coarsest
    return asked
