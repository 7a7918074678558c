"""The measurements, one kind of figure in each file."""
