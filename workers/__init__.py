"""Background work: RQ jobs and their runtime, the relay, and the system ticks."""
