"""What can go wrong with an embedded server, as a sentence for the person who starts the hub."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded server cannot run. The message is one sentence that says what is wrong and what to do."""
