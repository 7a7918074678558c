"""Everything we know about the wire. No Flask and no database in here."""
