"""`--help` teaches: what a verb is for, on one line, and how it is typed."""

import click
import pytest

from mcp_codegen.cli import main
from tests.generated import codegen

VERBS = main.list_commands(click.Context(main))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_how_it_is_typed(verb: str):
    said = codegen(verb, "--help").stdout
    assert "Example" in said
    assert f"mcp-codegen {verb} " in said


def test_the_list_of_verbs_says_whole_sentences():
    said = codegen("--help").stdout.partition("Commands:\n")[2]
    assert len(said.splitlines()) == len(VERBS)
    assert "..." not in said
