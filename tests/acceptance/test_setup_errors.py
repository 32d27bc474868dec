"""What goes wrong on the first day is one clear sentence, with an exit code that is not 0 and no traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from hub.cli import ROLES
from hub.web.roles import Role
from tests.acceptance.hub_command import ROOT, environ, free_port, hub


def test_a_port_in_use_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = hub("up", "--sandbox", env=environ(tmp_path, HUB_PORT=str(port)))
    assert ended.code == 1
    [sentence] = ended.sentences
    assert f"Port {port} on 127.0.0.1 cannot be used" in sentence
    assert "HUB_PORT" in sentence
    assert not (tmp_path / "postgres").exists()


def test_all_missing_settings_are_said_at_once(tmp_path: Path) -> None:
    ended = hub("up", env=environ(tmp_path))
    assert ended.code == 1
    said = "\n".join(ended.sentences)
    assert all(name in said for name in ("HUB_PEPPER", "HUB_SECRET_KEY", "HUB_PUBLIC_URL", "hub up --sandbox"))


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    ended = hub("up", "--sandbox", env=environ(tmp_path / "var"))
    assert ended.code == 1
    [sentence] = ended.sentences
    assert str(tmp_path / "var") in sentence


def test_an_unreadable_data_folder_is_named_to_an_ordinary_user(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tmp_path / "var").mkdir(mode=0o000)
    ended = hub("up", "--sandbox", env=environ(tmp_path / "var"))
    assert ended.code == 1
    [sentence] = ended.sentences
    assert str(tmp_path / "var") in sentence


def test_another_major_version_of_the_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("13\n")
    ended = hub("up", "--sandbox", env=environ(tmp_path, HUB_PORT=str(free_port()), HUB_SANDBOX_PORT=str(free_port())))
    assert ended.code == 1
    [sentence] = ended.sentences
    assert "was made by PostgreSQL 13" in sentence


@pytest.fixture
def old_postgres() -> Iterator[str]:
    """Says that it is PostgreSQL 14.9 to one who signs in, and no more."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!I", len(body) + 4) + body

    hello = message(b"R", struct.pack("!I", 0))
    for name, value in ((b"server_version", b"14.9"), (b"client_encoding", b"UTF8")):
        hello += message(b"S", name + b"\0" + value + b"\0")
    hello += message(b"K", struct.pack("!II", 1, 1)) + message(b"Z", b"I")

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                while (asked := client.recv(4096)) and asked[4:8] == struct.pack("!I", 80877103):  # "SSL?"
                    client.sendall(b"N")
                client.sendall(hello)
                client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"postgresql://hub:geheim@127.0.0.1:{server.getsockname()[1]}/hub"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_server_that_is_too_old_is_refused(tmp_path: Path, old_postgres: str) -> None:
    env = environ(tmp_path, HUB_PORT=str(free_port()), HUB_SANDBOX_PORT=str(free_port()), DATABASE_URL=old_postgres)
    for command in (("up", "--sandbox"), ("check",)):
        ended = hub(*command, env=env | {"HUB_SANDBOX": "on"})
        assert ended.code == 1
        said = ended.out + "\n".join(ended.sentences)
        assert "PostgreSQL 14 is too old: version 15 or later is needed." in said
        assert "geheim" not in said


def test_a_server_that_cannot_be_reached_is_said_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://hub:geheim@127.0.0.1:{free_port()}/hub"
    ended = hub("migrate", env=environ(tmp_path, DATABASE_URL=url))
    assert ended.code == 1
    assert ended.sentences == ["The PostgreSQL server cannot be reached: see DATABASE_URL."]


def test_check_says_all_that_is_wrong_with_settings_and_servers(tmp_path: Path) -> None:
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    clinic = (config / "clinic.toml").read_text()
    (config / "clinic.toml").write_text(clinic.replace(', "data@fenwicklane-clinic.example"', ""))
    env = environ(
        tmp_path / "var",
        HUB_CONFIG_DIR=str(config),
        DATABASE_URL=f"postgresql://hub@127.0.0.1:{free_port()}/hub",
        REDIS_URL=f"redis://127.0.0.1:{free_port()}/0",
    )
    ended = hub("check", env=env)
    assert ended.code == 1
    assert ended.sentences == []
    for part in ("both data@ addresses", "HUB_PEPPER is not set", "PostgreSQL server cannot be reached", "Redis or Valkey server cannot"):
        assert part in ended.out


@pytest.mark.parametrize("process", ["web", "worker", "clock", "mail", "processes", "replay"])
def test_a_process_without_servers_says_how_to_get_them(tmp_path: Path, process: str) -> None:
    env = environ(tmp_path, HUB_SANDBOX="on")
    hub("up", "--sandbox", env=env | {"HUB_POSTGRES_BIN": str(tmp_path)})  # makes the sandbox's secrets, and gets no further
    ended = hub(process, env=env)
    assert ended.code == 1
    assert ended.sentences == ["DATABASE_URL is not set and no embedded server is running: start everything with hub up."]


def test_staff_before_there_is_a_database_is_refused(tmp_path: Path) -> None:
    ended = hub("staff", "add", "priya@fenwicklane.example", "--name", "Priya", env=environ(tmp_path))
    assert ended.code == 1
    assert "There is no database" in ended.sentences[0]


def test_explain_answers_each_line_and_marks_the_one_it_cannot_read(tmp_path: Path) -> None:
    lines = '{"channel":"sms","text":"Botox offer, today only!"}\nno json\n\n{"channel":"sms","text":"See you at ten."}\n'
    ended = hub("explain", "lint", env=environ(tmp_path), given=lines)
    answers = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 1
    assert ["error" in answer for answer in answers] == [False, True, False]


def test_explain_mail_reads_one_raw_message(tmp_path: Path) -> None:
    raw = "From: A <a@example.org>\r\nTo: data@fenwicklane.example\r\nSubject: Hello\r\n\r\n你好\r\n"
    ended = hub("explain", "mail", env=environ(tmp_path), given=raw)
    assert (ended.code, ended.sentences) == (0, [])
    assert json.loads(ended.out)["kind"] == "message"


def test_the_roles_of_the_command_are_those_of_the_desks() -> None:
    assert list(get_args(ROLES)) == [role.value for role in Role]


def test_help_is_quick_because_it_loads_no_part_of_the_hub() -> None:
    heavy = ["asyncpg", "aiohttp", "twilio", "redis", "rq", "honcho", "hub.settings", "hub.store", "hub.app"]
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, hub.cli; print([name for name in {heavy} if name in sys.modules])"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"
