"""The sites that Perch is measured beside. Each takes its settings from Perch's environment."""

# In which `counted` says how many SQL statements an answer took.
STATEMENTS_HEADER = "X-Statements"
# In which it says how many milliseconds of its thread it took to have a usable token.
FRESHNESS_HEADER = "X-TokenRefresher-Milliseconds"
# In which `watched` says where the time of its thread went, as JSON: milliseconds by part.
SPENT_HEADER = "X-Spent"
