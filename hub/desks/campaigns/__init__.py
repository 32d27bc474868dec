"""Campaigns: write one, see whom it would reach and why not the others, have a second person approve, watch it, stop it.

Writes no SQL; sends nothing: a worker does, through the gate. Never shows what anybody wrote to us.
"""

from hub.desks.campaigns.routes import routes

__all__ = ["routes"]
