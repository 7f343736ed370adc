"""Write policy/schemas/*.json anew: ``make schemas``."""

import json
from pathlib import Path

import policy
from policy.language.schema import schemas

FOLDER = Path(policy.__file__).parent / "schemas"


def texts() -> dict[str, str]:
    """The schemas' files by name."""
    return {
        f"{name}.json": json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        for name, schema in schemas().items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
