"""What everything stands on: the database, the cache, one caller for many who wait."""
