"""The graph net without gradients on a CPU: scores equal to those of the net with gradients, in batches of any size."""

import pytest
import torch

from gnnmax.models.graphs import bipartite_scoring as module
from gnnmax.models.graphs.bipartite import BipartiteNet


def windows(count, k, seed=0):
    return torch.randn(count, k, k, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("k", [3, 9, 15])
@pytest.mark.parametrize("encoding", ["standard", "rank"])
def test_scores_without_gradients_equal_those_with_gradients(k, encoding):
    net = BipartiteNet(width=8, rounds=3, encoding=encoding)
    values = windows(37, k)
    with torch.no_grad():
        fast = net(values)
    slow = net(values).detach()
    assert fast.shape == slow.shape == (37,)
    assert float((fast - slow).abs().max()) < 1e-6 * max(1.0, float(slow.abs().max()))


def test_scores_do_not_depend_on_how_a_batch_is_split(monkeypatch):
    net, values = BipartiteNet(), windows(20, 9)
    with torch.no_grad():
        whole = net(values)
        monkeypatch.setattr(module, "TOGETHER", 3 * 81)
        assert torch.allclose(net(values), whole, rtol=0, atol=1e-6)
        assert net(values[:0]).shape == (0,)


@pytest.mark.parametrize("k", [9, 15])
def test_equal_windows_have_equal_scores_in_batches_of_any_size(k):
    net, values = BipartiteNet(), windows(75, k)
    values[::3] = values[0]
    with torch.no_grad():
        scores = torch.cat([net(values[:count])[::3] for count in range(1, 76)])
    assert len(scores.unique()) == 1


def test_the_weights_and_the_windows_stay_as_they_are():
    net, values = BipartiteNet(), windows(5, 9)
    before = [weight.detach().clone() for weight in net.parameters()], values.clone()
    with torch.no_grad():
        net(values)
    assert torch.equal(values, before[1])
    assert all(torch.equal(weight, old) for weight, old in zip(net.parameters(), before[0], strict=True))


def test_gradients_still_reach_the_windows():
    values = windows(2, 5).requires_grad_()
    BipartiteNet()(values).sum().backward()
    assert float(values.grad.abs().sum()) > 0
