"""The product net without gradients on a CPU: scores equal to those of the net with gradients, contexts read once."""

import pytest
import torch

from gnnmax.models.graphs import product_scoring as module
from gnnmax.models.graphs.bipartite import BipartiteNet
from gnnmax.models.graphs.product import ProductNet, _Refinement, _Round
from gnnmax.models.inference import SCORING_BATCH, scored
from tests.support.nets import awake


def windows(count, k, seed=0, dtype=torch.float32):
    """Draw windows with directed contexts, some of which come repeatedly."""
    generator = torch.Generator().manual_seed(seed)
    values, rows, columns = torch.randn(3, count, k, k, generator=generator, dtype=dtype).unbind()
    rows[count // 2 :] = rows[: count - count // 2].clone()
    columns[count // 3 : 2 * (count // 3)] = rows[: count // 3]
    return values, rows, columns


def fast(net, *inputs):
    with torch.no_grad():
        return net(*inputs)


@pytest.mark.parametrize("k", [3, 9, 15, 17])
@pytest.mark.parametrize("encoding", ["standard", "rank", "none"])
@pytest.mark.parametrize("neighbours", [None, 9])
def test_scores_without_gradients_equal_those_with_gradients(k, encoding, neighbours):
    net = awake(ProductNet(width=8, edge=6, heads=3, channels=2, encoding=encoding, neighbours=neighbours)).double()
    inputs = windows(70, k, dtype=torch.float64)
    slow = net(*inputs).detach()
    assert slow.shape == (70,) and slow.std() > 1e-3
    assert float((fast(net, *inputs) - slow).abs().max()) < 1e-10 * float(slow.abs().max())


@pytest.fixture
def counts(monkeypatch):
    """How many contexts are read, each time that some are."""
    seen, operators = [], module._operators
    monkeypatch.setattr(
        module, "_operators", lambda relation, part: seen.append(len(part)) or operators(relation, part)
    )
    return seen


def test_contexts_that_come_repeatedly_are_read_once(counts):
    values, rows, _ = windows(60, 9)
    fast(ProductNet(), values, rows[:1].expand_as(rows), rows[1:2].expand_as(rows))
    assert counts == [32]


@pytest.mark.parametrize("k", [9, 15])
def test_equal_windows_have_equal_scores_in_batches_of_any_size(k):
    net, inputs = awake(ProductNet()).float(), windows(75, k)
    for part in inputs:
        part[::3] = part[0]
    scores = torch.cat([fast(net, *(part[:count] for part in inputs))[::3] for count in range(1, 76)])
    assert len(scores.unique()) == 1


def test_scores_do_not_depend_on_how_a_batch_is_split(monkeypatch):
    net, inputs = awake(ProductNet()).float(), windows(100, 9)
    whole = fast(net, *inputs)
    monkeypatch.setattr(module, "TOGETHER", 32 * 81)
    assert torch.equal(fast(net, *inputs), whole)
    assert fast(net, *(part[:0] for part in inputs)).shape == (0,)


def test_the_weights_and_the_windows_stay_as_they_are():
    net, inputs = ProductNet(encoding="none"), windows(5, 9)
    before = [part.detach().clone() for part in (*net.parameters(), *inputs)]
    fast(net, *inputs)
    assert all(torch.equal(part, old) for part, old in zip((*net.parameters(), *inputs), before, strict=True))


@pytest.mark.parametrize(("part", "base"), [("refine", _Refinement), ("rounds", _Round)])
def test_layers_of_a_subclass_are_asked_themselves(part, base):
    class Refused(base):
        def forward(self, *inputs):
            raise NotImplementedError("asked itself")

    net = ProductNet()
    layers = net.relation.refine if part == "refine" else net.rounds
    layers[0].__class__ = Refused
    with pytest.raises(NotImplementedError, match="asked itself"):
        fast(net, *windows(2, 9))


@pytest.mark.parametrize("net", [ProductNet(), BipartiteNet()])
def test_hooks_see_the_layers_of_every_window_without_gradients_too(net):
    seen = []
    layers = [part for part in net.modules() if isinstance(part, torch.nn.Linear)]
    hooks = [layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(len(output))) for layer in layers]
    watched = fast(net, *windows(5, 9))
    assert len(seen) >= len(layers) and set(seen) == {5}
    for hook in hooks:
        hook.remove()
    assert torch.allclose(fast(net, *windows(5, 9)), watched, atol=1e-5)


def test_equal_contexts_of_many_windows_are_read_once(counts):
    net, (values, rows, _) = awake(ProductNet()).float(), windows(600, 9)
    contexts = rows[:32].repeat(19, 1, 1)[:600]
    together = scored(net, (values, contexts, contexts))
    assert counts == [32]
    assert torch.equal(scored(net, (values, contexts, contexts), batch=100), together)
    assert counts == [32] * 7


def test_small_windows_that_nobody_watches_are_scored_by_the_thousand_and_others_are_not():
    net, (values, _, _) = ProductNet(), windows(2, 9)
    with torch.no_grad():
        assert net.scoring_batch(values) > net.scoring_batch(windows(2, 17)[0]) == SCORING_BATCH
        net.evidence.register_forward_hook(lambda *_: None)
        assert net.scoring_batch(values) == SCORING_BATCH
