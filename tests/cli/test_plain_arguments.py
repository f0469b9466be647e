"""Numbers on the command line are those that every program reads."""

import numpy as np
import pytest

from gnnmax.cli.main import main


@pytest.mark.parametrize("number", ["1_0", "\u0663", "\uff13"])
@pytest.mark.parametrize("flag", ["--threshold", "--prominence", "--top", "--min-distance", "--k-columns"])
def test_a_number_that_only_python_reads_is_refused(flag, number, tmp_path, capsys):
    np.save(tmp_path / "m.npy", np.eye(12))
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none", flag, number]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and number in err


@pytest.mark.parametrize(("flag", "number"), [("--threshold", "1e-1"), ("--threshold", "-2"), ("--top", "3")])
def test_other_numbers_are_read_as_before(flag, number, tmp_path):
    np.save(tmp_path / "m.npy", np.eye(12))
    assert main(["detect", str(tmp_path / "m.npy"), "--models", "none", "--json", f"{flag}={number}"]) == 0


def test_every_command_reads_its_numbers_so(capsys):
    assert main(["generate", "spike-9", "--workers", "1_0"]) == 2
    assert "not a plain whole number: '1_0'" in capsys.readouterr().err
