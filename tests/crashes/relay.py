"""Forwards TCP connections, so that one machine's sandbox is found at 127.0.0.1 of another.

python -m tests.crashes.relay LISTEN_HOST LISTEN_PORT TARGET_HOST TARGET_PORT
Prints a line when it listens. The standard library only.
"""

import socket
import sys
import threading


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until `source` ends, and tell `target` so."""
    try:
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for broken in (source, target):
            broken.close()


def forward(accepted: socket.socket, *, target: tuple[str, int]) -> None:
    try:
        onward = socket.create_connection(target, timeout=10)
    except OSError:
        accepted.close()
        return
    onward.settimeout(None)
    back = threading.Thread(target=pump, args=(onward, accepted), daemon=True)
    back.start()
    pump(accepted, onward)
    back.join()
    for ended in (accepted, onward):
        ended.close()


def main() -> None:
    listen_host, listen_port, target_host, target_port = sys.argv[1:]
    with socket.create_server((listen_host, int(listen_port)), backlog=128) as listening:
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        while True:
            accepted, _ = listening.accept()
            options = {"target": (target_host, int(target_port))}
            threading.Thread(target=forward, args=(accepted,), kwargs=options, daemon=True).start()


if __name__ == "__main__":
    main()
