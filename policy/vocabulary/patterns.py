"""Signal patterns: a VSS path, or a branch ending in ``.**``; the closest one wins."""

from collections.abc import Iterable

BRANCH = ".**"


def closeness(pattern: str) -> tuple[bool, int]:
    """How closely a pattern names a signal; the greater beats the smaller."""
    return (not pattern.endswith(BRANCH), len(pattern))


def matches(pattern: str, path: str) -> bool:
    """Whether a path or branch pattern names this path."""
    if pattern.endswith(BRANCH):
        return path.startswith(pattern.removesuffix("**"))
    return path == pattern


def closest(patterns: Iterable[str], path: str) -> str | None:
    """The pattern that names the path most closely, or None."""
    return max((p for p in patterns if matches(p, path)), key=closeness, default=None)
