"""A sweep on a dask cluster that is reached by its address, as the command line reaches it."""

import distributed
import pytest

from gnnmax.cli.main import main
from gnnmax.experiments.sweeps import driver
from gnnmax.experiments.sweeps.driver import run_sweep
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.io.executors import named_executor, waiting_note
from gnnmax.io.toml import toml_text
from tests.support.sweeps import PLAN


@pytest.fixture(scope="module")
def address():
    """The address of a local cluster of one thread of this process; its page takes any free port."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


def test_a_cluster_measures_what_one_process_does(address, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(toml_text(PLAN))
    assert main(["sweep", "plan.toml", "--out", "sweep", "--executor", address, "--workers", "2"]) == 0
    assert capsys.readouterr().err == ""
    assert read_sweep("sweep") == run_sweep(PLAN, "alone").table


def test_workers_that_do_not_see_the_folder_send_their_results(address, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "_sees", lambda _ledger: False)
    with named_executor(address) as executor:
        found = run_sweep(PLAN, tmp_path / "sweep", executor=executor, workers=2)
    assert (found.measured, found.complete) == (8, True)
    assert read_sweep(tmp_path / "sweep") == found.table


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("gnnmax.io.executors.WAIT_SECONDS", 0.2)
    for address in ("dask://127.0.0.1:9", "dask://127.0.0.1", "dask://", "dask://x y:1", "dask://[::1"):
        assert main(["sweep", "example", "--out", str(tmp_path / "sweep"), "--executor", address]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1, said
        assert "no dask scheduler answers at" in said
    assert not (tmp_path / "sweep").exists()


def test_a_cluster_without_a_worker_is_said():
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        with named_executor(address.replace("tcp://", "dask://")) as executor:
            assert waiting_note(executor) == (
                f"the dask cluster at {address} has no worker yet: the work begins when one joins"
            )


def test_a_cluster_with_a_worker_says_nothing(address):
    with named_executor(address) as executor:
        assert waiting_note(executor) == ""
