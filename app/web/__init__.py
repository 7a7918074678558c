"""What every page passes through on its way: headers, cookies, limits, the person, the messages."""
