"""As whom PostgreSQL runs. It refuses root, and users the system has no name for, as containers like to have."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from hub.embedded.errors import EmbeddedError

NOBODY = 65534
LAUNCHER = Path(__file__).with_name("launch.py")


class Rights(StrEnum):
    """How the launcher changes who the server is."""

    PLAIN = "plain"  # as we are
    NAMESPACE = "namespace"  # as we are, in a user namespace where that is not root; files stay ours
    NOBODY = "nobody"  # root gives itself up; the data folder belongs to `nobody`

    @property
    def owner(self) -> int:
        """The user id the server's files belong to."""
        return NOBODY if self is Rights.NOBODY else os.geteuid()


def postgres_rights() -> Rights:
    """Raises EmbeddedError when there is no way to run PostgreSQL as this user."""
    uid = os.geteuid()
    if uid != 0 and _has_name(uid):
        return Rights.PLAIN
    if subprocess.run([sys.executable, "-I", "-S", LAUNCHER, "probe"], timeout=20).returncode == 0:
        return Rights.NAMESPACE
    if uid == 0:
        return Rights.NOBODY
    raise EmbeddedError(f"PostgreSQL does not run for user id {uid}, which has no name on this system: set DATABASE_URL to a server.")


def hand_over(folder: Path, owner: int) -> None:
    """Give a folder and all in it to `owner`, once. A link is changed itself, never what it points to."""
    if folder.lstat().st_uid == owner:
        return
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(parent) / name, owner, -1, follow_symlinks=False)
    os.chown(folder, owner, -1, follow_symlinks=False)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
