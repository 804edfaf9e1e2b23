"""The folder's own Python environment, and what its programs are started with.

python -m tools.environment requirements-dev.txt    make `.venv` and install into it
"""

import hashlib
import importlib.util
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = ROOT / "var"
DEVELOPMENT = "requirements-dev.txt"  # takes in requirements.txt
NOISE = ("WARNING: Location ", "WARNING: Running pip as ", "[notice]")


class SetupError(Exception):
    """What stands in the way, as one sentence that says what to do."""


def ensure_installed(requirements: str) -> None:
    """Make `.venv` when there is none, and install a requirements file that has changed."""
    if PYTHON.exists() and any(_is_installed(name) for name in {requirements, DEVELOPMENT}):
        return
    print(f"Installing {requirements} into .venv (the first time takes a minute) …", flush=True)
    if not _works():
        _make_venv()
    done = subprocess.run(
        [PYTHON, "-m", "pip", "install", "-q", "-r", ROOT / requirements],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith(NOISE)]
        print(*lines[-20:], sep="\n", file=sys.stderr)
        raise SetupError(
            f"pip could not install {requirements}: read its last words above, "
            "look at the network connection, and start again."
        )
    _stamp(requirements).write_text(_digest(requirements))


def setting_names() -> set[str]:
    """The names that `.env.example` explains: all that the product reads from the environment."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", text, flags=re.MULTILINE))


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, but of the product's settings only these."""
    names = setting_names()
    others = {name: value for name, value in os.environ.items() if name not in names}
    return others | {"DJANGO_SETTINGS_MODULE": "wolkvox_admin.settings"} | dict(settings)


def like_production() -> dict[str, str]:
    """An environment as strict as a real installation's, with keys that are thrown away."""
    return environment_with(
        {
            "ENV_FILE": os.devnull,
            "SECRET_KEY": random_secret(),
            "TOKEN_KEYS": random_token_key(),
            "ALLOWED_HOSTS": "example.org",
            "DATABASE_URL": "sqlite://:memory:",
        }
    )


def random_secret() -> str:
    return secrets.token_urlsafe(50)


def random_token_key() -> str:
    """32 random bytes in base64url, as TOKEN_KEYS wants them."""
    return secrets.token_urlsafe(32)


def _is_installed(requirements: str) -> bool:
    stamp = _stamp(requirements)
    return stamp.exists() and stamp.read_text() == _digest(requirements)


def _stamp(requirements: str) -> Path:
    return VENV / f"{requirements}.sha256"


def _digest(requirements: str) -> str:
    digest = hashlib.sha256()
    for name in sorted({"requirements.txt", requirements}):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _works() -> bool:
    """Whether `.venv` is whole: a first start may have been cut off, or Python replaced."""
    if not PYTHON.exists():
        return False
    look = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([PYTHON, "-c", look], capture_output=True, check=False).returncode == 0


def _make_venv() -> None:
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise SetupError(
            "This Python comes without its venv module: install it "
            "(on Debian and Ubuntu: apt-get install python3-venv) and start again."
        )
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise SetupError(
            f"{VENV} could not be made ({last[0]}): remove that folder and start again."
        )


if __name__ == "__main__":
    try:
        ensure_installed(sys.argv[1])
    except SetupError as problem:
        sys.exit(str(problem))
