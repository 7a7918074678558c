"""The people and posts that a new world begins with."""
