"""What is measured, one kind of figure in each file."""
