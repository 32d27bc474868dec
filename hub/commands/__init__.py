"""What the `hub` command does, one module per group. Each is imported when its command is called, never before."""
