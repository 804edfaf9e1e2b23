"""`make fuzz`: generated requests and vendor answers, many more than the suite tries.

ARGS="--requests 50000 --answers 100000 --wires 2000 --workers 200 --minutes 60"

Ends with 1 when something breaks, and pytest's report then shows the smallest example.
"""

import argparse
import json
import subprocess
import sys

from tools.environment import PYTHON, ROOT, VAR, environment_with

REPORT = VAR / "fuzz.json"


def main() -> int:
    parser = argparse.ArgumentParser(description="Try generated requests and answers.")
    parser.add_argument("--requests", type=int, default=50_000, help="through all pages")
    parser.add_argument("--answers", type=int, default=100_000, help="through the reader")
    parser.add_argument("--wires", type=int, default=2_000, help="through the client")
    parser.add_argument("--workers", type=int, default=200, help="handfuls through a worker")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for each of these")
    wanted = parser.parse_args()
    VAR.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    numbers = {
        f"FUZZ_{name.upper()}": str(value)
        for name, value in vars(wanted).items()
        if name != "minutes"
    }
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "FUZZ_REPORT": str(REPORT),
        "FUZZ_SECONDS": str(wanted.minutes * 60),
        **numbers,
    }
    command = [str(PYTHON), "-m", "pytest", "-q", "tests/fuzz"]
    code = subprocess.run(command, cwd=ROOT, env=environment_with(settings), check=False).returncode
    found = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    for name, one in found.items():
        outcomes = ", ".join(f"{outcome} {count:,}" for outcome, count in one["outcomes"].items())
        print(f"{name:<10}{one['tried']:>9,} in {one['seconds']:>7,.0f} s: {outcomes}")
    print("Something broke: the smallest example stands above." if code else "Nothing broke.")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
