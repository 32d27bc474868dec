"""The practice phone: a page on which a newcomer plays the patient and watches what the hub does (looks.md).

It knows the doubles and nothing of the hub's store: what the hub did, and the passing of time, come in as callables.
"""

from channels.sandbox.phone.page import Phone, PhoneParts
from channels.sandbox.phone.view import LedgerLine

__all__ = ["LedgerLine", "Phone", "PhoneParts"]
