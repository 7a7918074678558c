"""X's authorization server: consent, token, revoke, and the tokens it has given."""
