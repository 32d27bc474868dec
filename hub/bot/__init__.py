"""What the hub says by itself, deterministic and from config: acknowledgements and confirmations of a stop.

It speaks through the gate like everybody else, and is refused like everybody else.
"""
