"""How a request travels. Nothing else opens a connection to Twitter."""
