"""Flask's side of every page: headers, cookies, limits, the person, the messages."""
