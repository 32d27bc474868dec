"""One module per channel and provider: verify, parse, render, interpret, reply. Pure, but for thin transports."""
