"""The sites that Perch is measured beside. Each takes its settings from Perch's environment."""

# In which `counted` says how many SQL statements an answer took.
STATEMENTS_HEADER = "X-Statements"
