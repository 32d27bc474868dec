"""Measurements, each beside its bare ceiling in the same run. `make bench` runs them all; timings never fail a test."""
