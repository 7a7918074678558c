"""The sandbox's modules import each other in one direction, imports for types among them."""

import ast
import graphlib
from pathlib import Path

import pytest

from tests.tree import files

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in files(ROOT / "sandbox", "*.py")
}


def test_no_imports_go_in_a_circle():
    graph = {name: imported(path.read_text()) - {name} for name, path in MODULES.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())

    assert order.index("sandbox.world.model") < order.index("sandbox.world.state")
    assert order.index("sandbox.world.state") < order.index("sandbox.request_context")


def test_every_way_to_import_is_seen():
    ways = ["from sandbox.world.state import World", "import sandbox.world.state"]
    ways += ["from sandbox.world import state", f"if TYPE_CHECKING:\n    {ways[0]}"]
    graph = {"sandbox.control.journal": imported(ways[0]), "sandbox.world.state": set()}
    graph["sandbox.world.state"] = imported("def late():\n    from sandbox.control import journal")

    assert [imported(way) for way in ways] == [{"sandbox.world.state"}] * 4
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(graph).prepare()


def imported(source):
    """Return the modules of the sandbox that are imported, wherever in the file that happens."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) or {node.module}
    return found & MODULES.keys()
