"""Becomes a server: arranges that it dies with us and is not root, then executes it in this very process.

Run as a script, before any of our packages is imported, so that the pid of the child is the pid of the server.
usage: launch.py PARENT_PID DEATH_SIGNAL plain|namespace|nobody PROGRAM ARGUMENT...
       launch.py probe     exit code 0 where a user namespace can be entered
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_NOBODY = 65534


def main(arguments: list[str]) -> int:
    if arguments == ["probe"]:
        return 0 if enter_user_namespace() else 1
    parent, death_signal, rights, *command = arguments
    os.umask(0o077)
    listen_to_signals()
    if rights == "namespace" and not enter_user_namespace():
        return 1
    if rights == "nobody":
        drop_to_nobody()
    die_with_parent(int(death_signal))
    if os.getppid() != int(parent):  # it died before the line above took hold
        return 1
    try:
        os.execv(command[0], command)  # noqa: S606 - that is what a launcher is for
    except OSError as error:
        print(f"{command[0]} cannot be executed: {error.strerror}", file=sys.stderr)
        return 1


def listen_to_signals() -> None:
    """A parent that ignores these would pass that on, and the program could not be asked to stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def enter_user_namespace() -> bool:
    """Be seen as a user who is not root, while files stay owned by whom we really are. False where it is not allowed."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER) == 0)


def drop_to_nobody() -> None:
    """Give up root for good. The caller has handed the data folder to `nobody`."""
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


def die_with_parent(death_signal: int) -> None:
    """Ask the kernel for a signal when the parent goes. After the change of user: that would clear it (prctl(2))."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
