"""The rules, pure: imports `hub.model` and the standard library only."""
