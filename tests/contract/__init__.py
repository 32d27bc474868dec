"""One suite for every adapter. To add one: an entry in `samples.SAMPLES` and a folder of cases in tests/fixtures."""
