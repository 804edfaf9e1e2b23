"""`make run`: what it refuses in one sentence, what it writes, and that nothing outlives it."""

import ast
import importlib.util
import json
import os
import re
import runpy
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from media_assets import crypto
from tests.waiting import PATIENCE, wait_until
from tools import children, demo, environment, prepare
from tools.children import Child
from tools.environment import ROOT, SetupError

SECONDS_FOR_A_START = 180
PROGRAM = [sys.executable, "-c"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place that prepares and logs apart from the project's own."""
    var = tmp_path / "var"
    var.mkdir()
    monkeypatch.setattr(prepare, "VAR", var)
    monkeypatch.setattr(prepare, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(children, "LOGS", var / "log")
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Child]]:
    started: list[Child] = []

    def start(code: str) -> Child:
        started.append(Child("child", command=[*PROGRAM, code], environment=os.environ))
        return started[-1]

    yield start
    children.stop(started, grace=0)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# Before anything starts


def test_the_first_file_can_be_read_by_older_pythons():
    source = (ROOT / "tools" / "run.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 7))

    assert source.isascii()
    assert "f'" not in source
    assert 'f"' not in source


def test_an_older_python_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))

    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and .* is Python 3\.10\.4"):
        runpy.run_path(str(ROOT / "tools" / "run.py"))


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "80 80", "٨٠٠٠"])
def test_a_port_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("PORT", text)

    with pytest.raises(SetupError, match="is not a port"):
        prepare.ports()


def test_the_two_ports_have_to_differ(monkeypatch):
    monkeypatch.setenv("SANDBOX_PORT", "8000")
    monkeypatch.delenv("PORT", raising=False)

    with pytest.raises(SetupError, match="two different ports"):
        prepare.ports()


def test_a_port_in_use_is_named_together_with_another_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=rf"Port {port} is in use: .* 'make run PORT=\d+'"):
            prepare.require_free(port, name="PORT")


def test_a_folder_that_cannot_be_written_is_named(folder, monkeypatch):
    (folder / "file").touch()
    monkeypatch.setattr(prepare, "VAR", folder / "file" / "var")

    with pytest.raises(SetupError, match="Nothing can be written into"):
        prepare.lock()


def test_the_same_folder_runs_once_at_a_time(folder):
    with prepare.lock(), pytest.raises(SetupError, match="already runs in this folder"):
        prepare.lock()
    prepare.lock().close()


def test_a_python_without_venv_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(SetupError, match="apt-get install python3-venv"):
        environment.ensure_installed("requirements.txt")


# .env


def test_the_first_start_writes_an_env_file_with_keys_of_its_own(folder, settings):
    prepare.make_env_file(prepare.settings("http://127.0.0.1:8001"))

    text = (folder / ".env").read_text()
    values = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert values["DEMO"] == "true"
    assert len(values["SECRET_KEY"]) >= 50
    assert values["WOLKVOX_BASE_URL"] == "http://127.0.0.1:8001/wv{server}/api/v2/"
    assert values["STORAGE_HOSTS"] == "http://127.0.0.1:8001/storage/wvox-"
    settings.TOKEN_KEYS = [values["TOKEN_KEYS"]]
    assert crypto.keyring().ids
    assert values.keys() <= environment.setting_names()
    prepare.require_demo()


def test_an_env_file_is_never_written_over(folder):
    (folder / ".env").write_text("DEMO=true\nSECRET_KEY=mine\n")

    prepare.make_env_file(prepare.settings("http://127.0.0.1:8001"))

    assert (folder / ".env").read_text() == "DEMO=true\nSECRET_KEY=mine\n"


@pytest.mark.parametrize("text", ["", "DEMO=false\n", "# DEMO=true\n", "NODEMO=true\n"])
def test_a_real_installation_is_left_alone(folder, text):
    (folder / ".env").write_text(text)

    with pytest.raises(SetupError, match="does not say DEMO=true"):
        prepare.require_demo()


def test_settings_of_the_surrounding_shell_do_not_reach_the_demonstration(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/else")
    monkeypatch.setenv("EDITOR", "ed")

    programs = environment.environment_with({"STORAGE_HOSTS": "http://127.0.0.1:1/storage/"})

    assert "DATABASE_URL" not in programs
    assert programs["EDITOR"] == "ed"
    assert programs["STORAGE_HOSTS"] == "http://127.0.0.1:1/storage/"


def test_new_passwords_need_a_demonstration(folder):
    with pytest.raises(SetupError, match="start it with 'make run'"):
        prepare.new_passwords()


# Children


def test_a_child_is_asked_to_end_and_ends(start):
    child = start("import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()")
    time.sleep(0.3)

    children.stop([child], grace=5)

    assert child.process.returncode == 0


def test_a_stubborn_child_is_killed_together_with_what_it_started(start):
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(15, signal.SIG_IGN)\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(other.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    child = start(code)
    wait_until(lambda: child.log.read_text())

    children.stop([child], grace=0.2)

    assert child.process.returncode == -signal.SIGKILL
    wait_until(lambda: not is_running(int(child.log.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_end_when_their_parent_is_killed(folder):
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from tools import children\n"
        f"children.LOGS = Path({str(folder)!r})\n"
        "child = children.Child('it', command=[sys.executable, '-c', 'import time; "
        "time.sleep(60)'], environment=os.environ)\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([*PROGRAM, code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()

    wait_until(lambda: not is_running(pid))


def test_only_errors_are_shown_and_tracebacks_whole(start):
    lines = [
        "2026-01-01 10:00:00,000 INFO django.request fine",
        "2026-01-01 10:00:01,000 ERROR django.request Internal Server Error: /",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in f',
        "ValueError: no",
        "[2026-01-01 10:00:02 +0000] [7] [INFO] Handling signal: term",
        "2026-01-01 10:00:03,000 WARNING django.request Not Found: /x",
    ]
    child = start(f"print({chr(10).join(lines)!r})")
    wait_until(lambda: child.ended)

    assert child.alarms() == lines[1:5]
    assert child.alarms() == []


# The block


def test_the_block_shows_addresses_people_files_and_operations():
    seeded = {
        "people": [{"username": "owner", "role": "Owner", "password": "aaaa-bbbb"}],
        "operations": [{"server": "0042", "token": "f" * 52, "name": "Tienda Andina"}],
    }

    block = "\n".join(demo.summary(seeded, web="http://127.0.0.1:1", sandbox="http://127.0.0.1:2"))

    assert "http://127.0.0.1:1/" in block
    assert re.search(r"owner +Owner +aaaa-bbbb", block)
    assert block.count("http://127.0.0.1:2/storage/wvox-0042/") == 5
    assert re.search(rf"0042 +{'f' * 52} +Tienda Andina", block)
    assert "make demo-passwords" not in block


def test_the_block_says_how_to_get_new_passwords_when_it_has_none():
    seeded = {
        "people": [{"username": "owner", "role": "Owner", "password": ""}],
        "operations": [{"server": "0042", "token": "f" * 52, "name": ""}],
    }

    block = "\n".join(demo.summary(seeded, web="http://127.0.0.1:1", sandbox="http://127.0.0.1:2"))

    assert "'make demo-passwords' makes new ones" in block


# The whole


@pytest.mark.skipif(
    not environment.PYTHON.exists(), reason="make test and make run install into .venv"
)
def test_the_demonstration_starts_twice_and_leaves_nothing_behind(tmp_path):
    copy = tmp_path / "a copy #1, %41"
    left_out = shutil.ignore_patterns(".*", "var", "tests", "docs", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=left_out)
    shutil.copy(ROOT / ".env.example", copy)
    (copy / ".venv").symlink_to(environment.VENV)

    first = _start_and_interrupt(copy)
    second = _start_and_interrupt(copy)

    assert len(re.findall(r"(?:[a-z0-9]{4}-){3}[a-z0-9]{4}$", first, flags=re.M)) == 4
    assert "'make demo-passwords' makes new ones" in second
    assert json.loads((copy / "var" / "sandbox.json").read_text())


def _start_and_interrupt(copy: Path) -> str:
    """One start from beginning to Ctrl-C; what it has printed."""
    port, sandbox_port = _free_ports()
    ports = {"PORT": str(port), "SANDBOX_PORT": str(sandbox_port)}
    output = copy.parent / "output"
    with output.open("w") as file:
        run = subprocess.Popen(
            [sys.executable, "tools/run.py"],
            cwd=copy,
            env=os.environ | ports,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: "Ready in" in output.read_text() or run.poll() is not None,
            seconds=SECONDS_FOR_A_START,
            else_say=output.read_text,
        )
        assert run.poll() is None, output.read_text()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/account/sign-in/") as page:
            assert page.status == 200
        programs = _programs_of(run.pid)
        assert len(programs) == 3
    finally:
        run.send_signal(signal.SIGINT)
        code = run.wait(PATIENCE)
    assert code == 0, output.read_text()
    assert not any(map(is_running, programs))
    for number in (port, sandbox_port):
        prepare.require_free(number, name="PORT")
    return output.read_text()


def _programs_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        return a.getsockname()[1], b.getsockname()[1]
