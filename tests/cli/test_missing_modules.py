"""Commands work without the modules that they do not need, and name the package that they lack."""

import subprocess
import sys

import numpy as np
import pytest

from tests.support.blocked import run_without

NETS = ("torch", "torch_geometric")
WITHOUT_NETS = (
    "list recipes",
    "generate tiny --out data",
    "verify data",
    "info data",
    "audit --rule argmax --data data",
    "evaluate --scores scores.npy --labels labels.npy",
    "detect matrix.npy --k 5 --models none --out found.csv",
    "evaluate-peaks found.csv --truth found.csv",
)
WITH_NETS = (
    "train --data data --model gnn --out run",
    "compare --data data --models cnn,gnn --out run",
    "detect matrix.npy --by gnn",
    "evaluate --run run --data data",
    "list models",
)
ON_WINDOWS = (
    "generate tiny --out data",
    "generate tiny --out data --force",
    "verify data",
    "detect matrix.npy --k 5 --models none --out found.csv",
    "train --data data --model gnn --steps 1 --out run",
    "evaluate --run run --data data --json",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("missing")
    rng = np.random.default_rng(0)
    np.save(folder / "matrix.npy", rng.random((30, 30)))
    np.save(folder / "scores.npy", rng.normal(size=40))
    np.save(folder / "labels.npy", np.arange(40) % 2)
    return folder


@pytest.fixture(scope="module")
def without_nets(folder):
    default = "detect matrix.npy --k 5"
    commands = (*WITHOUT_NETS, *WITH_NETS, default)
    return dict(zip(commands, run_without(NETS, commands, folder), strict=True))


@pytest.mark.parametrize("command", WITHOUT_NETS)
def test_data_evaluation_audit_and_detection_by_the_rule_need_no_torch(without_nets, command):
    assert without_nets[command].status == 0, without_nets[command].err


@pytest.mark.parametrize("command", WITH_NETS)
def test_a_command_that_needs_torch_says_in_one_line_what_to_install(without_nets, command):
    done = without_nets[command]
    assert (done.status, done.out) == (2, "")
    assert done.err == "gnnmax: this needs torch, which is not installed: pip install torch\n"


def test_a_search_with_nets_says_how_to_search_without(without_nets):
    done = without_nets["detect matrix.npy --k 5"]
    assert done.status == 2
    assert done.err.endswith("pip install torch, or search by the rule alone with --models none\n")
    assert done.err.count("\n") == 1


def test_a_public_name_that_needs_torch_says_what_to_install():
    code = (
        "import sys; sys.modules['torch'] = None; import gnnmax\n"
        "try: gnnmax.load_model\nexcept ImportError as error: sys.stdout.write(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "gnnmax.load_model: this needs torch, which is not installed: pip install torch"


def test_commands_work_without_the_modules_that_windows_lacks(tmp_path, folder):
    np.save(tmp_path / "matrix.npy", np.load(folder / "matrix.npy"))
    done = run_without(("fcntl", "resource"), ON_WINDOWS, tmp_path, ahead=("psutil",))
    assert [each.status for each in done] == [0] * len(ON_WINDOWS), [each.err for each in done]
    assert {path.name for path in tmp_path.iterdir()} == {"data", "found.csv", "found.card.json", "matrix.npy", "run"}


def test_the_block_is_seen(tmp_path):
    (done,) = run_without(("safetensors",), ("generate tiny --out data",), tmp_path)
    assert done.status == 2
    assert "pip install safetensors" in done.err
