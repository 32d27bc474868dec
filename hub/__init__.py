"""Enquiry Hub: the service, its rules and its desks. `docs/architecture.md` draws the rooms."""
