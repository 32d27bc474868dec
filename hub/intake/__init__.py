"""The way in: verified events become rows in one transaction, and only then is the provider answered.

`batcher` gathers what queued up while the last batch ran, `plan` works out what to write, `record` writes it.
Nothing here talks to a provider, and nothing is sent from here: what must follow goes into the outbox.
"""

from hub.intake.batcher import Accepted, Intake, IntakeFull, StoreUnavailable

__all__ = ["Accepted", "Intake", "IntakeFull", "StoreUnavailable"]
