"""Sends requests. Nothing else opens a connection to Twitter."""
