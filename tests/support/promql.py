"""Which metrics and labels a PromQL expression names."""

import re

_LABELS = re.compile(r"\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_NOT_NAMES = re.compile(
    r'"[^"]*"'  # strings
    r"|\$\w+"  # a dashboard's variables
    r"|\[[^]]*\]"  # ranges
    r"|\boffset\s+\w+"
    r"|\b[0-9][\w.]*"  # numbers and durations
)
_NAME = re.compile(r"\b([a-zA-Z_:][\w:]*)\b(?!\s*\()")
_OPERATORS = frozenset({"and", "or", "unless", "bool", "by", "without", "on", "ignoring"})


def metrics_in(expression: str) -> frozenset[str]:
    """Every metric of the expression: a name that is no function, operator, label or number."""
    bare = _GROUPING.sub(" ", _LABELS.sub(" ", expression))
    return frozenset(_NAME.findall(_NOT_NAMES.sub(" ", bare))) - _OPERATORS


def labels_in(expression: str) -> frozenset[str]:
    """Every label that the expression groups by or matches."""
    grouped = " ".join(_GROUPING.findall(expression)).replace(",", " ").split()
    matched = re.findall(r"(\w+)\s*[=!]", " ".join(_LABELS.findall(expression)))
    return frozenset(grouped) | frozenset(matched)
