"""Accounts, Tweets, follows and Spaces, and the state that a reset brings back."""
