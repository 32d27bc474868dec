"""Loopback doubles of the providers, and the phone a newcomer plays the patient on. Never part of a live clinic's way out."""
