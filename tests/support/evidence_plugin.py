"""The pytest plugin behind ``--evidence``; see ``tests/support/evidence.py``."""

from typing import Any

import pytest

from tests.support.evidence import lacking, named


class Evidence:
    """Collects the outcome of each named test; under xdist it stands in the controller."""

    def __init__(self) -> None:
        self._outcomes: dict[str, set[str]] = {}
        self._lacking: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test came to; setup and teardown count only if they fail or skip."""
        name = report.nodeid.partition("[")[0]
        if name in named() and (report.when == "call" or report.outcome != "passed"):
            xfailed = hasattr(report, "wasxfail")
            outcome = "expected to fail" if xfailed else report.outcome
            self._outcomes.setdefault(name, set()).add(outcome)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the session if anything that is named as evidence is none."""
        self._lacking = lacking(named(), self._outcomes)
        if self._lacking and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say which."""
        if self._lacking:
            terminalreporter.section("named as evidence, and none")
        for line in self._lacking:
            terminalreporter.write_line(line)
