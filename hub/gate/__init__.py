"""The way out. `asking`: somebody wants to speak, and the judge answers at once. `claim`: the last look before a message
leaves. `deliver`: hand over to the channel and record what became of it. Nothing else may call a channel's send.
"""

from hub.gate.asking import Draft, Queued, cancel, preview, queue, send_again, settle
from hub.gate.templates import Choice, UnknownTemplate

__all__ = ["Choice", "Draft", "Queued", "UnknownTemplate", "cancel", "preview", "queue", "send_again", "settle"]
