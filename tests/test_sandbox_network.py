"""The sandbox's way to the network: ports that let no call through, https, and its command."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from media_assets.wolkvox.sandbox import Sandbox, network
from tests.faults import certificates
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent
TOKEN = "7f" * 26
SERVICES = "/wv0042/api/v2/information.php?api=services"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificates.make_all(folder)
    return folder


def trusting(pems: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(pems / "authority.pem"))


def services(port: int, *, token: str, tls: ssl.SSLContext) -> bytes:
    with closing(
        http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=tls)
    ) as connection:
        connection.request("GET", SERVICES, None, {"wolkvox-token": token})
        with connection.getresponse() as answer:
            return answer.read()


def test_a_refusing_port_refuses_and_is_nobody_elses():
    with network.refusing() as port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        with pytest.raises(OSError), socket.create_server(("127.0.0.1", port)):
            pass


def test_a_silent_port_takes_connections_and_says_nothing():
    with network.silent() as listener:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=0.2) as caller:
            caller.sendall(b"anybody there?")
            with pytest.raises(TimeoutError):
                caller.recv(1)
            with socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE):
                assert listener.received() == [b"anybody there?", b""]
        assert listener.received() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops a SYN of a full queue")
def test_a_dropping_port_leaves_every_syn_unanswered():
    with network.dropping() as port:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                socket.create_connection(("127.0.0.1", port), timeout=0.2)


def test_with_a_certificate_the_sandbox_speaks_https(pems):
    tls = certificates.server_context(pems / "valid.pem")
    with Sandbox(operations={"0042": TOKEN}, tls=tls) as box:
        assert box.origin == f"https://127.0.0.1:{box.port}"
        assert box.base_url.startswith(box.origin)
        assert box.storage_url("promo-julio.jpg").startswith(box.origin)
        answer = services(box.port, token=TOKEN, tls=trusting(pems))
        assert json.loads(answer)["code"] == 200


@pytest.mark.parametrize("certificate", ["expired", "self-signed", "wrong-host"])
def test_a_bad_certificate_is_shown_as_it_is_and_no_call_arrives(certificate, pems):
    tls = certificates.server_context(pems / f"{certificate}.pem")
    with Sandbox(operations={"0042": TOKEN}, tls=tls) as box:
        with pytest.raises(ssl.SSLCertVerificationError):
            services(box.port, token=TOKEN, tls=trusting(pems))
        assert box.ledger.calls == []


def test_who_speaks_no_tls_is_let_go_and_others_are_served(pems):
    tls = certificates.server_context(pems / "valid.pem")
    with Sandbox(operations={"0042": TOKEN}, tls=tls) as box:
        with socket.create_connection(("127.0.0.1", box.port), timeout=PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):
                while plain.recv(1024):
                    pass
        assert services(box.port, token=TOKEN, tls=trusting(pems))


def test_stopping_ends_handshakes_that_hang(pems):
    before = set(threading.enumerate())
    tls = certificates.server_context(pems / "valid.pem")
    with Sandbox(operations={"0042": TOKEN}, tls=tls) as box:
        hanging = socket.create_connection(("127.0.0.1", box.port), timeout=PATIENCE)
        names = "sandbox-connection"
        wait_until(lambda: any(thread.name == names for thread in threading.enumerate()))
    assert set(threading.enumerate()) == before
    hanging.close()


def test_the_ledger_tells_how_much_of_an_answer_was_taken():
    with Sandbox(operations={"0042": TOKEN}) as box:
        with closing(
            http.client.HTTPConnection("127.0.0.1", box.port, timeout=PATIENCE)
        ) as connection:
            connection.request("GET", SERVICES, None, {"wolkvox-token": TOKEN})
            body = connection.getresponse().read()
        (call,) = box.ledger.calls
        wait_until(lambda: call.sent_bytes)
        assert len(body) < call.sent_bytes < len(body) + 1000


def test_the_vendors_wish_to_wait_is_an_option():
    with Sandbox(operations={"0042": TOKEN}) as box:
        box.faults.set("503-retry-after-900", times=1)
        box.faults.set("503-retry-after", times=1)
        wishes = []
        for _ in range(2):
            with closing(
                http.client.HTTPConnection("127.0.0.1", box.port, timeout=PATIENCE)
            ) as caller:
                caller.request("GET", SERVICES, None, {"wolkvox-token": TOKEN})
                answer = caller.getresponse()
                wishes.append((answer.status, answer.headers["Retry-After"]))
                answer.read()
    assert wishes == [(503, "900"), (503, "2")]


# The command


def command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "wolkvox_sandbox", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ends_well(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 0


def test_the_command_serves_https_with_the_certificate_it_is_given(tmp_path, pems):
    state_file = tmp_path / "sandbox.json"
    arguments = ("--state", str(state_file), "--certificate", str(pems / "valid.pem"))
    with command(*arguments) as process:
        assert process.stdout is not None
        where = process.stdout.readline()
        assert where.startswith("SANDBOX: https://127.0.0.1:")
        token = json.loads(state_file.read_text())["operations"]["0042"]
        port = int(where.rpartition(":")[2])
        assert services(port, token=token, tls=trusting(pems))
        ends_well(process)


def test_the_command_can_be_a_port_that_lets_no_call_through(tmp_path):
    with command("--state", str(tmp_path / "none.json"), "--network", "refusing") as process:
        assert process.stdout is not None
        where = process.stdout.readline()
        assert where.startswith("SANDBOX: 127.0.0.1:")
        port = int(where.removesuffix(" (refusing)\n").rpartition(":")[2])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        ends_well(process)


def test_the_command_says_which_certificate_it_cannot_read(tmp_path):
    arguments = ("--state", str(tmp_path / "sandbox.json"), "--certificate", "none.pem")
    with command(*arguments) as process:
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "The sandbox cannot start" in error
    assert "Traceback" not in error
