# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the tests' own, made of the distribution's package in a temporary folder; the machine's own clusters are not touched."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import typing as t
import uuid

import psycopg
from psycopg.conninfo import make_conninfo

ACCOUNT = "postgres"  # of Debian's package; PostgreSQL does not run as root
READY = "database system is ready to accept connections"
SETTINGS = {
    # No test takes the power away.
    "fsync": "off",
    "lc_messages": "C",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "max_connections": "60",
}


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, of the newest version that is installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    if not path:
        raise RuntimeError(f"PostgreSQL's {name} is not installed: tests/testbed/install-packages postgresql installs it")
    return path


class Server:
    """A server that runs; ``dsn`` is its superuser's over its Unix socket, and ``loopback`` over TCP."""

    def __init__(self, folder: pathlib.Path, process: subprocess.Popen[str], port: int, password: str) -> None:
        self.folder = folder
        self.process = process
        self.port = port
        self.dsn = f"host={folder} port={port} user={ACCOUNT} password={password} dbname=postgres"
        self.loopback = f"postgresql://{ACCOUNT}:{password}@127.0.0.1:{port}/postgres"
        self.certificate = folder / "data" / "server.crt"

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def database(self) -> str:
        """The DSN of a new database, with nothing in it."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return make_conninfo(self.dsn, dbname=name)


@contextlib.contextmanager
def server() -> t.Iterator[Server]:
    """Raise a server, and end it."""
    account = pwd.getpwnam(ACCOUNT) if os.getuid() == 0 else None
    own: dict[str, t.Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "umask": 0o077} if account else {}
    # Short: a Unix socket's path has little room.
    with tempfile.TemporaryDirectory(prefix="kvmfleet-pg", dir="/tmp") as name:
        folder, password = pathlib.Path(name), secrets.token_urlsafe(12)
        (folder / "password").write_text(password)
        if account:
            for path in (folder, folder / "password"):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = str(folder / "data")
        initdb = [program("initdb"), "-D", data, "-U", ACCOUNT, "-A", "scram-sha-256", f"--pwfile={folder}/password", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, **own, cwd=folder, check=True, capture_output=True)
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*openssl, "-keyout", f"{data}/server.key", "-out", f"{data}/server.crt"], **own, cwd=folder, check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = [word for setting in SETTINGS.items() for word in ("-c", "=".join(setting))]
        # It ends with the tests, even if they are killed.
        postgres = ["setpriv", "--pdeathsig", "QUIT", program("postgres"), "-D", data, "-k", str(folder), "-h", "127.0.0.1", "-p", str(port), *options]
        with subprocess.Popen(postgres, **own, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
            try:
                _wait_until_ready(process)
                yield Server(folder, process, port, password)
            finally:
                # Stopped by a test, it would not hear of its end. SIGQUIT: at once, without a last checkpoint.
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGQUIT)
                process.wait()


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if READY in line:
            # It would wait for room in the pipe.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{''.join(said)}")
