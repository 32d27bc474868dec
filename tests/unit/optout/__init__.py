"""The opt-out recogniser against the policy's sentences, our own test sets, and hostile text."""
