"""What staff read about a refusal, one table a language, keyed by reason code (looks §8). Tables and nothing else."""
