"""Twilio from end to end in this process: the real SDK, the real intake and gate, the double over loopback."""
