"""TOML: the nesting is bounded before the parser sees the text, and valid text is read as it is."""

import tomllib

import pytest

from gnnmax.cli.main import main
from gnnmax.errors import InputError
from gnnmax.io.toml_text import DEEPEST, parse_toml

VALID = [
    "",
    "a = 1.5\nb = 07:32:00.999\nc = 1979-05-27T07:32:00Z",
    'a = "x.y.z # [[[["  # [[[[[[[[[[[[[[[[[[\nb = \'"\'\nc = "\\"[[[["',
    'a = """\nx.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x = [[[[[[[[[[[[[[[[[[[[[\n"quoted" \\""" b"""',
    "a = '''\n[[[[[[[[[[[[[[[[[[[[[ it''s'''\nb = 2",
    "\n".join([f'a{i} = [""""[""""", """[""""]' for i in range(40)]),
    "\n".join([f"a{i} = [''''[''''', '''[''''']" for i in range(40)]),
    "\n".join(f"a{i} = {{x = [1, {{y = 2}}]}}" for i in range(40)),
    "a . \"b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s\" . 'd' = 1",
    "[a.b.c]\nd = 1\n[[a.b.e]]\nf = 2",
    f"a{'.a' * (DEEPEST - 1)} = 1",
    f"a = {'[' * DEEPEST}{']' * DEEPEST}",
]


@pytest.mark.parametrize("text", VALID)
def test_valid_text_is_read_as_the_standard_library_reads_it(text):
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        f"a{'.a' * DEEPEST} = 1",
        f"[a{' . a' * DEEPEST}]",
        f"a{'.a' * DEEPEST}",
        'x = 1\n"a"' + ".'b'" * DEEPEST + " = 1",
        f"a = {'[' * (DEEPEST + 1)}",
        f"a = {'{a = ' * (DEEPEST + 1)}",
        f"a = {'[{b = ' * DEEPEST}",
    ],
)
def test_deeper_text_is_refused_before_it_is_parsed(text, monkeypatch):
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("parsed"))
    with pytest.raises(InputError, match="nested too deeply, in more than 16 levels"):
        parse_toml(text)


def test_a_value_of_set_is_bounded_too(capsys, tmp_path):
    call = ["generate", "tiny", "--out", str(tmp_path / "d"), "--set"]
    for value in ("[" * 5_000, "{a = " * 20, "1\na" + ".a" * 20_000 + " = 1"):
        assert main([*call, f"seed={value}"]) == 2
        said = capsys.readouterr().err
        assert "too long or too deep" in said and said.count("\n") == 1
