"""The judge, its sentences and its clocks."""
