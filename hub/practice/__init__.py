"""The sandbox process: the doubles of the providers and the practice phone on one port, put together here."""

from hub.practice.serving import NoSandboxAccount, run_sandbox, serve

__all__ = ["NoSandboxAccount", "run_sandbox", "serve"]
