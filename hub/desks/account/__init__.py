"""Signing in and out, the one-time link, and a person's own settings."""

from hub.desks.account.routes import routes, welcome_url

__all__ = ["routes", "welcome_url"]
