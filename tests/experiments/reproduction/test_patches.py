"""Samples needed against patches: nets have the structure that they are named after, and cells are kept."""

import numpy as np
import pytest
import torch

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction import CellOptions, reproduce
from gnnmax.experiments.reproduction import patches as module
from gnnmax.experiments.reproduction.patches import NETS, PatchNet, draw_in_patches


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(module, "QUICK_PATCHES", (4, 8))
    monkeypatch.setattr(module, "STEPS", 120)
    monkeypatch.setattr(module, "SAMPLES", (4, 16, 64, 256))


def test_fewer_samples_suffice_with_shared_weights_and_a_stopped_run_resumes(short, tmp_path, monkeypatch):
    options = CellOptions(quick=True, folder=tmp_path / "cells")
    outcome = reproduce("patches", (0, 1), options=options)
    samples = {(row["net"], row["k"]): row["samples"] for row in outcome.rows}
    assert samples["fully connected", 8] > 2 * samples["locally connected", 8] > 2 * samples["convolutional", 8]
    assert outcome.plot()[1].get_ylabel() == "samples needed"
    monkeypatch.setattr(module, "_accuracy", lambda *given: pytest.fail("measured again"))
    assert reproduce("patches", (0, 1), options=options).to_dict() == outcome.to_dict()


@pytest.mark.parametrize("kind", list(NETS))
def test_only_nets_with_shared_weights_are_blind_to_the_order_of_the_patches(kind):
    torch.manual_seed(0)
    net = PatchNet(kind, k=5, d=3)
    inputs = torch.randn(6, 5, 3)
    same = torch.allclose(net(inputs), net(inputs[:, [2, 0, 1, 4, 3]]), atol=1e-6)
    assert same == (kind in ("convolutional", "graph net"))
    assert torch.allclose(net(-inputs), -net(inputs), atol=1e-6)


def test_the_label_is_the_sign_of_the_signal_in_one_patch():
    signal = np.array([3.0, 0.0, 4.0], dtype=np.float32) / 5
    inputs, labels = draw_in_patches(np.random.default_rng(0), signal, 400, 4)
    response = inputs @ torch.from_numpy(signal)
    strongest = response.gather(1, response.abs().argmax(dim=1, keepdim=True))[:, 0]
    assert float((strongest.sign() == labels).float().mean()) > 0.99


@pytest.mark.parametrize("wrong", [{"sizes": (300,)}, {"nets": ("cnn",)}])
def test_a_wrong_call_is_refused(wrong):
    with pytest.raises(InputError, match="leave out sizes and nets"):
        reproduce("patches", (0,), options=CellOptions(**wrong))
