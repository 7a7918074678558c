"""Accounts, posts, follows and Spaces, and the settings they live under."""
