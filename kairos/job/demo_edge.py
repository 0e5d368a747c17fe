"""The demo's edge: a collector, a gateway for the page's people, and the page, each a process of its own.

*Contract*: ``start`` returns the page's address when it can be opened, or raises ``KairosError``; what it has started ends with the context. The
demo does without all of it.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from kairos.local import ports
from kairos.local.processes import ChildProcess

_PORTS = {"collector": 8088, "gateway": 8089, "page": 8090}
_SECRETS = ("api-keys", "token-secrets", "vapid.pem")
_DEADLINE_S = 90.0
_PEOPLE = "demo-"
"""With this the ids of the page's people begin; pushes to all others are the simulated world's."""
_LINGER_MS = 3000
"""Whoever steps away to see Web Push does not want to wait a minute for it; a page that is loaded anew is back by then."""


class DemoEdge:
    """``settings``: the demo's configuration file, beside which the edge's is written. ``page_port``: the usual one, or a free one, unless given.

    ``push_services``: hosts of browsers' push services, instead of the known ones.
    """

    def __init__(self, settings: Path, flink_url: str, page_port: int | None = None, push_services: Sequence[str] = ()) -> None:
        self._folder = settings.parent
        self._settings = settings
        self._flink_url = flink_url
        self._push_services = push_services
        self._ports = {name: port if ports.is_free(port) else ports.free_port() for name, port in _PORTS.items()}
        if page_port is not None:
            self._ports["page"] = page_port
        self._running = ExitStack()
        self.address = f"http://127.0.0.1:{self._ports['page']}"

    def start(self) -> None:
        """All three at once; returns when each says that it is ready."""
        for name in ("edge.db", "edge.db-wal", "edge.db-shm"):
            (self._folder / name).unlink(missing_ok=True)
        file = self._folder / "edge.yaml"
        file.write_text("# Made by `kairos demo`\n" + yaml.safe_dump(self._document(), sort_keys=False), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KAIROS_EDGE__")}
        started = []
        for name in _PORTS:
            log = self._folder / f"{name}.log"
            log.unlink(missing_ok=True)
            argv = [sys.executable, "-m", "kairos.cli.app", name, "--config", str(file)]
            started.append((name, self._running.enter_context(ChildProcess(f"The {name}", argv, log=log, env=environment))))
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            for name, process in started:
                process.wait_until(lambda name=name: self._answers(client, name), "ready", deadline_s=_DEADLINE_S)  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._running.close()
        for name in _SECRETS:
            (self._folder / name).unlink(missing_ok=True)

    def _answers(self, client: httpx.Client, name: str) -> bool:
        # the page is ready once the world has written its catalogue, which it may still be doing
        path = "healthz" if name == "page" else "readyz"
        try:
            return client.get(f"http://127.0.0.1:{self._ports[name]}/{path}").is_success
        except httpx.TransportError:
            return False

    def _document(self) -> dict[str, Any]:
        url = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        return {
            "job": self._settings.name,
            "auth": {"api_keys": self._key("api-keys"), "token_secrets": self._key("token-secrets")},
            "log": {"format": "text"},
            "collector": {
                "port": self._ports["collector"],
                "cors_origins": [url["page"], url["page"].replace("127.0.0.1", "localhost")],
                "limits": {"user_requests_per_minute": 1200},  # whoever tries a page out clicks fast
            },
            "delivery": {
                "port": self._ports["gateway"],
                "store": {"path": str(self._folder / "edge.db")},
                "source": {"user_prefix": _PEOPLE},
                "registry": {"from_topic": False},
                "stream": {"linger_ms": _LINGER_MS},
                "web_push": {"private_key": self._vapid_key(), "subject": "mailto:demo@kairos.example", **self._hosts()},
            },
            "page": {
                "port": self._ports["page"],
                "collector_url": url["collector"],
                "gateway_url": url["gateway"],
                "flink_url": self._flink_url,
            },
        }

    def _hosts(self) -> dict[str, list[str]]:
        return {"allowed_hosts": list(self._push_services)} if self._push_services else {}

    def _key(self, name: str) -> str:
        return self._secret(name, f"demo:{secrets.token_urlsafe(32)}\n")

    def _vapid_key(self) -> str:
        """With which delivery signs what it sends to browsers' push services."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = ec.generate_private_key(ec.SECP256R1())
        return self._secret("vapid.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    def _secret(self, name: str, text: str) -> str:
        """Of this run alone, readable by its owner."""
        file = self._folder / name
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
        return f"file:{file}"
