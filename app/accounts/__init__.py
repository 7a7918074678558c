"""People: their sessions, their grants, and the tokens that must still be revoked."""
