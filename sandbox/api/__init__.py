"""X's API: endpoints, fields, limits and problems."""
