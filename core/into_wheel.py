"""Puts a core that was built before into Roadfade's own wheel; see ``make wheel``.

In: ``ROADFADE_CORE_WHEEL``, the file that ``core/build.sh --wheel`` left. Without it the wheel, and
an editable install, is of Python alone.
"""

import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class IntoWheel(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before and after it writes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the core's files, and the machines that they run on: those of the core's wheel."""
        told = os.environ.get("ROADFADE_CORE_WHEEL")
        if not told or version == "editable":
            return
        wheel = Path(told)
        self._unpacked = tempfile.TemporaryDirectory()
        with zipfile.ZipFile(wheel) as files:
            files.extractall(self._unpacked.name)
        module = Path(self._unpacked.name) / "roadfade_core"
        build_data["force_include"][str(module)] = module.name
        # What it was compiled of, and under which licences.
        build_data["sbom_files"] += map(str, Path(self._unpacked.name).glob("*.dist-info/sboms/*"))
        build_data["pure_python"] = False
        build_data["tag"] = "-".join(wheel.stem.split("-")[-3:])

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was unpacked."""
        del version, build_data, artifact_path
        if hasattr(self, "_unpacked"):
            self._unpacked.cleanup()
