"""The one way to call Twitter for a person: quota, valid token, call, one retry after a 401."""
