"""The inbox: who wrote, what was said, whether we may answer, and answering. Writes no SQL; sends only through the gate."""

from hub.desks.inbox.desk import HELPERS
from hub.desks.inbox.routes import routes

__all__ = ["HELPERS", "routes"]
