"""Every listed mutant fits the code as it is, and its tests exist. `make mutants` runs them."""

import re

import pytest

from tests.mutants.catalogue import catalogue
from tests.tree import ROOT


@pytest.fixture(scope="module")
def mutants():
    return catalogue()


def test_every_mutant_changes_a_text_that_occurs_once(mutants):
    stale = [(each.name, each.file) for each in mutants if each.occurrences() != 1]

    assert stale == []


def test_every_mutant_changes_something(mutants):
    assert [each.name for each in mutants if each.old == each.new] == []


def test_every_mutant_has_a_name_of_its_own(mutants):
    names = [(each.room, each.name) for each in mutants]

    assert len(set(names)) == len(names)


def test_every_mutant_names_tests_that_exist(mutants):
    missing = [test for each in mutants for test in each.tests or ["none"] if not is_a_test(test)]

    assert missing == []


def is_a_test(node_id):
    path, _, name = node_id.partition("::")
    definition = rf"^def {re.escape(name.split('[')[0])}\("
    return (ROOT / path).is_file() and re.search(
        definition, (ROOT / path).read_text(), re.MULTILINE
    )
