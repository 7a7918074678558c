"""Facts about sections that can be taken out, for the tests of all pages.

Each module here belongs to one section of `app.pages`, and goes with it.
"""

from importlib import import_module
from pathlib import Path

_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def all_of(name):
    """Return what each section has under this name."""
    return [getattr(import_module(f"{__name__}.{section}"), name) for section in _NAMES]


def rows_of(name):
    """Return the rows that all sections have under this name, in one list."""
    return [row for rows in all_of(name) for row in rows]


def table_of(name):
    """Return the tables that all sections have under this name, as one."""
    return dict(row for table in all_of(name) for row in table.items())
