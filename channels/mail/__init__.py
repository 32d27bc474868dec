"""E-mail as values: reading hostile mail within bounds, telling people from robots, and building mail that leaves.

Pure throughout: bytes in, values out. Nothing here opens a socket, reads a clock or asks a database.
"""
