"""A Redis (or Valkey) of a test's own: on a free port, keeping nothing, killed and started again as a test likes."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from machine import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
needs_redis = pytest.mark.skipif(
    PROGRAM is None, reason="neither redis-server nor valkey-server is installed (Debian: apt-get install redis-server)"
)


class RedisServer:
    """A process; what it knew is gone with it unless `keeps` says otherwise."""

    def __init__(self, folder: Path, *, keeps: bool = False, password: str = "") -> None:
        self.port = free_port()
        self.folder = folder
        self.options = ["--appendonly", "yes" if keeps else "no", "--save", ""]
        self.options += ["--requirepass", password] if password else []
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        assert PROGRAM is not None
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *self.options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not start"

    def kill(self) -> None:
        """As the system does when memory runs out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def has_readers(self) -> bool:
        """Whether a replica waits for news."""
        with self._client() as client:
            return any(one["cmd"] == "xread" for one in client.client_list())

    def tell(self, *command: str) -> None:
        with self._client() as client:
            client.execute_command(*command)

    def dump(self) -> str:
        """All that lies in it, as somebody who got hold of it reads it."""
        parts: list[str] = []
        with self._client() as client:
            for key in client.scan_iter():
                kind = client.type(key)
                if kind == "zset":
                    parts.append(f"{key} {client.zrange(key, 0, -1, withscores=True)}")
                else:
                    read = {"string": client.get, "hash": client.hgetall, "stream": client.xrange}[kind]
                    parts.append(f"{key} {read(key)}")
        return "\n".join(parts)

    def _client(self) -> Any:
        import redis

        return cast(Any, redis.Redis).from_url(self.url, decode_responses=True)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Running, and empty."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
