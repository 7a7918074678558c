"""Breakages of security-relevant lines, and the tests that notice them: `make mutants`.

Each `[[mutant]]` in a `.toml` file here has a `name`, the `file`, the `old` text, which occurs
there once, the `new` text, and the ids of the `tests` that notice. A change of such a line updates
its mutant; one that is stale fails the run.
"""
