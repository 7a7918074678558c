"""The console, the control API, faults and the journal."""
