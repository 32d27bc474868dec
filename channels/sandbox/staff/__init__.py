"""A page that plays Slack for a colleague: channels, threads, buttons, the window, on this computer alone."""

from channels.sandbox.staff.page import PATH, TEMPLATES, StaffPage

__all__ = ["PATH", "TEMPLATES", "StaffPage"]
