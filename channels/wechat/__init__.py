"""WeChat official accounts: signatures and ciphers, what comes in, what goes out, and the thin transport (channels.md §8)."""
