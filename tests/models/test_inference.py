"""Inference: on a GPU the scores are those of a CPU, so factors are not rounded, and settings come back."""

import pytest
import torch

from gnnmax.models.inference import full_precision, scored

PARTS = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)


def settings():
    return [part.fp32_precision for part in PARTS]


@pytest.mark.parametrize("before", ["tf32", "ieee"])
def test_a_gpu_computes_in_full_precision_and_settings_come_back(before):
    kept = settings()
    try:
        for part in PARTS:
            part.fp32_precision = before
        with full_precision(torch.device("cuda")):
            assert settings() == ["ieee", "ieee"]
        assert settings() == [before, before]
        with pytest.raises(ValueError, match="in the middle"), full_precision(torch.device("cuda")):
            raise ValueError("in the middle")
        assert settings() == [before, before]
    finally:
        for part, precision in zip(PARTS, kept, strict=True):
            part.fp32_precision = precision


def test_a_cpu_needs_no_setting():
    before = settings()
    with full_precision(torch.device("cpu")):
        assert settings() == before


def test_scores_are_computed_within_it(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "gnnmax.models.inference.full_precision", lambda device: seen.append(device) or full_precision(device)
    )
    scored(torch.nn.Flatten(), (torch.rand(3, 1),))
    assert seen == [torch.device("cpu")]


class Asked(torch.nn.Module):
    """A net that says how many of its inputs are scored together, and keeps how many were."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def scoring_batch(self, values):
        return len(values) // 2

    def forward(self, values):
        self.seen.append(len(values))
        return values[:, 0]


def test_a_net_says_how_many_inputs_are_scored_together_unless_the_caller_does():
    net, values = Asked(), torch.rand(10, 1)
    assert torch.equal(scored(net, (values,)), values[:, 0]) and net.seen == [5, 5]
    scored(net, (values,), batch=10)
    assert net.seen == [5, 5, 10]
