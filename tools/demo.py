"""The demonstration: what `make run` starts, shows, watches, and ends at one Ctrl-C."""

import argparse
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tools import children, environment, prepare
from tools.children import Child
from tools.environment import PYTHON, ROOT, SetupError
from tools.prepare import LOOPBACK, SANDBOX_STATE

SAMPLES = ROOT / "media_assets" / "wolkvox" / "sandbox" / "samples"
READY_WITHIN = 40.0  # seconds
GRACE = 10.0  # seconds a child has to end by itself
ALARM_LINES = 30  # at most of each child at a time; the rest stands in its log


def main() -> int:
    _answer_signals()
    parser = argparse.ArgumentParser(description="Run the demonstration.")
    parser.add_argument("verb", nargs="?", choices=["run", "passwords"], default="run")
    try:
        if parser.parse_args().verb == "passwords":
            print(prepare.new_passwords(), end="")
        else:
            _run()
    except SetupError as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(f"The demonstration cannot go on: {problem}.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    return 1


def _run() -> None:
    started = time.monotonic()
    port, sandbox_port = prepare.ports()
    web, sandbox = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{sandbox_port}"
    with prepare.lock():
        prepare.require_free(port, name="PORT")
        prepare.require_free(sandbox_port, name="SANDBOX_PORT")
        environment.ensure_installed("requirements.txt")
        settings = prepare.settings(sandbox)
        prepare.make_env_file(settings)
        prepare.require_demo()
        programs = environment.environment_with(settings) | {"PYTHONUNBUFFERED": "1"}
        _say("Preparing database, static files and people …")
        seeded = prepare.prepare(programs)
        _say("Starting …")
        running: list[Child] = []
        try:
            _start(running, programs, port=port, sandbox_port=sandbox_port)
            _wait_until_ready(running, [f"{web}/account/sign-in/", f"{sandbox}/ledger"])
            _say(*summary(seeded, web=web, sandbox=sandbox))
            _say(f"Ready in {time.monotonic() - started:.0f} s. Ctrl-C stops everything.", "")
            _watch(running)
        finally:
            _stop(running)


def _start(
    running: list[Child], programs: Mapping[str, str], *, port: int, sandbox_port: int
) -> None:
    """Start the three programs; each stands in `running` as soon as it has been started."""
    sandbox = ("wolkvox_sandbox", "--port", str(sandbox_port), "--state", str(SANDBOX_STATE))
    # One process, because what was learnt about files is kept in its memory; threads for the rest.
    gunicorn = (
        *("-m", "gunicorn", "wolkvox_admin.wsgi", "--bind", f"{LOOPBACK}:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
        *("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket"),
    )
    commands: dict[str, Sequence[str]] = {
        "sandbox": ("manage.py", *sandbox),
        "worker": ("manage.py", "deliver"),
        "web": gunicorn,
    }
    for name, arguments in commands.items():
        running.append(Child(name, command=[PYTHON, *arguments], environment=programs))


def _wait_until_ready(running: Sequence[Child], urls: Sequence[str]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    waiting = list(urls)
    while waiting:
        _require_alive(running)
        waiting = [url for url in waiting if not _answers(url)]
        if waiting and time.monotonic() > deadline:
            _show_alarms(running)
            raise SetupError(f"{waiting[0]} does not answer: read {_shown(children.LOGS)}/.")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=10).close()
    except urllib.error.HTTPError as answer:
        answer.close()
        return answer.code < 500
    except OSError:
        return False
    return True


def _watch(running: Sequence[Child]) -> None:
    """Show errors as they come, until a signal, the end of a child or of the terminal."""
    has_terminal = sys.stdout.isatty()
    try:
        while sys.stdout.isatty() or not has_terminal:  # make passes no hang-up on
            _show_alarms(running)
            _require_alive(running)
            time.sleep(0.3)
    except KeyboardInterrupt:
        return


def _show_alarms(running: Sequence[Child]) -> None:
    for child in running:
        _say(*(f"{child.name} | {line}" for line in child.alarms()[-ALARM_LINES:]))


def _require_alive(running: Sequence[Child]) -> None:
    for child in running:
        if child.ended:
            _show_alarms(running)
            raise SetupError(
                f"The {child.name} has ended by itself (exit code {child.process.returncode}), "
                f"so everything is stopped: read {_shown(child.log)} and start again."
            )


def _stop(running: Sequence[Child]) -> None:
    """Web and worker first: what the worker has in flight still needs its answer."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _say("", "Stopping …")
    children.stop(running[1:], grace=GRACE)
    children.stop(running[:1], grace=GRACE)


def summary(seeded: Mapping[str, Any], *, web: str, sandbox: str) -> list[str]:
    """The block that says where everything is and who may sign in."""
    people, operations = seeded["people"], seeded["operations"]
    rule = "─" * 78
    lines = [
        rule,
        "Demonstration against the sandbox, our imitation of wolkvox: nothing leaves this machine.",
        "",
        f"  open      {web}/",
        f"  sandbox   {sandbox}/   what it has received: {sandbox}/ledger",
        f"  logs      {_shown(children.LOGS)}/",
        "",
        f"  {'username':<12}{'role':<18}demo password",
        *(
            f"  {person['username']:<12}{person['role']:<18}{person['password'] or '(set earlier)'}"
            for person in people
        ),
    ]
    if not all(person["password"] for person in people):
        lines += [
            "  Passwords are printed only when they are made: 'make demo-passwords' makes new ones."
        ]
    lines += [
        "",
        "  Storage URLs to paste",
        *(
            f"    {sandbox}/storage/wvox-{operations[0]['server']}/{sample.name}"
            for sample in sorted(SAMPLES.iterdir())
        ),
        "",
        "  Operations of the sandbox, to add one in the admin",
        f"    {'server':<8}{'token':<54}there already as",
        *(
            f"    {operation['server']:<8}{operation['token']:<54}{operation['name'] or '-'}"
            for operation in operations
        ),
        rule,
    ]
    return lines


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _answer_signals() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup asks to outlive its terminal; a shell's background job ignores Ctrl-C, but not us
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)
    end_with_make = children.end_with_parent(os.getppid())
    if end_with_make and "MAKELEVEL" in os.environ:
        end_with_make()


def _say(*lines: str) -> None:
    for line in lines:
        try:
            print(line, flush=True)
        except OSError:  # the terminal is closed
            return
