"""The database, the cache, and single flight: used by all other rooms."""
