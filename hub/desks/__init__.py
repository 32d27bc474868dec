"""What staff see: one folder per desk, each with its routes, view models and templates side by side."""
