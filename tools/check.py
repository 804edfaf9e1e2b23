"""`make check`: every check of the code, a line each, all of them even when one fails."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.environment import PYTHON, ROOT, like_production

Command = Sequence[str | Path]


def checks() -> dict[str, Command]:
    python, programs = PYTHON, PYTHON.parent
    templates = sorted((ROOT / "templates").rglob("*.html"))
    return {
        "rules": [python, "-m", "ruff", "check", "-q", "--output-format", "concise", "."],
        "format": [python, "-m", "ruff", "format", "--check", "-q", "."],
        "types": [python, "-m", "mypy", "wolkvox_admin", "media_assets", "tests", "tools"],
        "layers": [python, programs / "lint-imports"],
        "templates": [programs / "djade", "--check", "--target-version", "5.2", *templates],
        "migrations": [python, "manage.py", "makemigrations", "--check", "--dry-run"],
        "deployment": [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        "translations": [python, "-m", "tools.translations", "check"],
    }


def main() -> int:
    environment = like_production()
    failed = [
        name
        for name, command in checks().items()
        if not _passes(name, command=command, environment=environment)
    ]
    if failed:
        print(f"Failed: {', '.join(failed)}.")
    return 1 if failed else 0


def _passes(name: str, *, command: Command, environment: Mapping[str, str]) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    word = "ok" if passed else "FAILED"
    print(f"{word:<8}{name:<14}{time.monotonic() - started:6.1f} s", flush=True)
    if not passed:
        print(*(f"    {line}" for line in done.stdout.strip().splitlines()), sep="\n", flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main())
