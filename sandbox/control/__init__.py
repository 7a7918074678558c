"""What a developer turns: the console, its JSON twins, faults, the journal."""
