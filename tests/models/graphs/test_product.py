"""The product net: a convolution that never reads the order, and a head that is the Bayes rule's."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from gnnmax import Windows, build, load_recipe
from gnnmax.errors import InputError
from gnnmax.models.graphs.product import ProductNet, _Refinement, _Round, contrast
from gnnmax.models.registry import MODELS, build_model
from gnnmax.task.bayes import log_likelihood_ratio
from gnnmax.task.symmetry import translations
from tests.support.nets import EXACT, awake


def random_windows(seed: int, k: int, n: int = 6, symmetric: bool = True) -> Windows:
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(2, n, k, k)).astype(np.float32)
    if symmetric:
        contexts = contexts + contexts.transpose(0, 1, 3, 2)
    w = Windows.from_values(rng.lognormal(size=(n, k, k)).astype(np.float32))
    return dataclasses.replace(w, row_context=contexts[0], column_context=contexts[1])


@torch.no_grad()
def scores(net: torch.nn.Module, w: Windows) -> torch.Tensor:
    return net(*(torch.tensor(part, dtype=torch.float64) for part in (w.values, w.row_context, w.column_context)))


def change(net: torch.nn.Module, before: Windows, after: Windows) -> float:
    old, new = scores(net, before), scores(net, after)
    assert old.std() > 1e-6, "the premise: windows are told apart"
    return float((new - old).abs().max() / old.std())


@pytest.mark.parametrize("k", [3, 9])
@pytest.mark.parametrize("symmetric", [True, False])
def test_relabelling_with_the_contexts_and_transposition_are_not_noticed(k, symmetric):
    net, w = awake(build_model("product", k)), random_windows(k, k, symmetric=symmetric)
    assert change(net, w, w.relabelled(np.random.default_rng(1))) < EXACT
    assert change(net, w, w.transposed()) < EXACT


def test_relabelling_without_the_contexts_and_translation_are_noticed():
    net, w = awake(build_model("product", 9)), random_windows(0, 9)
    moved = w.relabelled(np.random.default_rng(1))
    kept = dataclasses.replace(moved, row_context=w.row_context, column_context=w.column_context)
    assert change(net, w, kept) > 0.01
    rows = translations(np.ones(len(w)), 9)
    shifted = np.take_along_axis(w.values, rows[:, :, None], axis=1)
    assert change(net, w, dataclasses.replace(w, values=shifted)) > 0.01


class OneOrder(_Refinement):
    """Multiplies in one order only: transposing no longer commutes where contexts are directed."""

    def forward(self, pairs: torch.Tensor) -> torch.Tensor:
        a, b = (functional.relu(part(pairs)).movedim(-1, 1) for part in (self.first, self.second))
        return pairs + self.change(torch.cat([pairs, (a @ b / pairs.shape[1]).movedim(1, -1)], dim=-1))


def test_a_refinement_in_one_order_breaks_the_law():
    net, w = ProductNet(), random_windows(0, 9, symmetric=False)
    net.relation.refine[0] = OneOrder(24)
    assert change(awake(net), w, w.transposed()) > 0.001


def test_on_a_path_a_round_is_a_convolution_with_a_symmetric_kernel():
    k, width, heads, channels, reach = 9, 3, 2, 2, 2
    mix = awake(_Round(width, heads, channels, pools=True))
    profile = torch.rand(2, heads, reach + 1, dtype=torch.float64)  # by distance, for rows and for columns
    distance = (torch.arange(k)[:, None] - torch.arange(k)).abs()
    near = (distance <= reach).double()
    operators = [(part[:, distance.clamp(max=reach)] * near).expand(4, -1, -1, -1) for part in profile]
    entries = torch.rand(4, k, k, width, dtype=torch.float64)

    sent = mix.send(entries).unflatten(-1, (heads, channels)).permute(0, 3, 4, 1, 2).flatten(1, 2)  # (B, HC, k, k)
    kernels = [torch.cat([part.flip(1), part[:, 1:]], dim=1).repeat_interleave(channels, 0) for part in profile]
    pad = {"padding": "same", "groups": heads * channels}
    down = functional.conv2d(sent, kernels[0][:, None, :, None], **pad)
    across = functional.conv2d(sent, kernels[1][:, None, None, :], **pad)
    both = functional.conv2d(down, kernels[1][:, None, None, :], **pad)
    paired = [part.unflatten(1, (heads, channels)) for part in (down + across, both)]
    seen = torch.cat(paired, dim=2).flatten(1, 2).movedim(1, -1)
    pools = [entries.amax(dim=(1, 2), keepdim=True), entries.mean(dim=(1, 2), keepdim=True)]
    parts = torch.cat([entries, seen, *(pool.expand_as(entries) for pool in pools)], dim=-1)
    by_convolution = entries + mix.change(functional.relu(mix.gather(parts)))
    torch.testing.assert_close(mix(entries, *operators), by_convolution, rtol=1e-12, atol=1e-12)


def test_the_head_is_the_bayes_rule_of_a_spike():
    w = build(load_recipe("noise-9-mu2").replace(splits={"test": 2})).test
    evidence = 2.0 * torch.tensor(w.values, dtype=torch.float64)
    np.testing.assert_allclose(contrast(evidence), log_likelihood_ratio(w), rtol=1e-6, atol=1e-6)


def test_without_contexts_it_is_refused():
    with pytest.raises(InputError, match="contexts = true"):
        build_model("product", 3)(torch.rand(1, 3, 3))
    assert MODELS["product"].needs_contexts


def test_the_score_is_the_contrast_of_the_evidence_of_the_entries():
    net, w = awake(ProductNet()), random_windows(0, 9, symmetric=False)
    values, rows, columns = (torch.tensor(each).double() for each in (w.values, w.row_context, w.column_context))
    evidence = net.entry_evidence(values, rows, columns)
    assert evidence.shape == values.shape
    assert torch.equal(net(values, rows, columns), contrast(evidence) + net.bias)


def test_with_a_number_of_neighbours_far_nodes_change_nothing_if_their_features_are_zero():
    """Sums do not depend on the side: a refinement of a block of nodes is the same within a larger block of zeros."""
    refine, generator = awake(_Refinement(4, neighbours=8)), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for linear in (refine.first, refine.second):
            linear.bias.zero_()
    pairs = torch.rand(2, 5, 5, 4, dtype=torch.float64, generator=generator)
    larger = torch.zeros(2, 9, 9, 4, dtype=torch.float64)
    larger[:, :5, :5] = pairs
    assert torch.allclose(refine(larger)[:, :5, :5], refine(pairs), atol=1e-12)
    refine.neighbours = None
    assert not torch.allclose(refine(larger)[:, :5, :5], refine(pairs), atol=1e-3)
