"""What the desks share: keys, pages, sessions, roles, headers, the live stream. Knows no desk and holds no SQL."""
