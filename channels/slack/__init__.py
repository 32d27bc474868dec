"""Slack, where staff read and act: signatures, payloads, blocks and calls. Not a channel to patients; nothing here decides anything."""
