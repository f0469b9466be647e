"""Unrolled message passing: message passing itself with the posterior denoiser, and a small net with a learned one."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gnnmax import InputError, build
from gnnmax.data.maps.stream import stream_maps
from gnnmax.models.nodes.unrolled_amp import LearnedDenoiser, PosteriorDenoiser, UnrolledAMP
from gnnmax.task.block_scores import amp, block_overlaps, degrees, problem_of
from tests.support.maps import BLOCK, BLOCKS, map_recipe

MAPS = build(map_recipe(3, n=120, plant={**BLOCK, "nodes": 12, "amplitude": 0.9}, order="shuffled")).test
VALUES = torch.from_numpy(MAPS.values)


@pytest.mark.parametrize("steps", [1, 2, 7, 30])
def test_with_the_posterior_denoiser_it_is_message_passing(steps):
    net = UnrolledAMP(PosteriorDenoiser(float(np.float32(0.9)), nodes=12), steps=steps, standardise=False)
    scores = net(VALUES.double()).numpy()
    for index in range(len(MAPS)):
        expected, _ = amp(problem_of(MAPS[index]), steps)
        assert np.abs(scores[index] - expected).max() < 2e-3 * np.abs(expected).max()


def test_without_its_memory_it_is_not(monkeypatch):
    net = UnrolledAMP(PosteriorDenoiser(float(np.float32(0.9)), nodes=12), steps=7, standardise=False)
    forget = PosteriorDenoiser.forward
    monkeypatch.setattr(
        PosteriorDenoiser, "forward", lambda *given: forget(*given)._replace(slope=torch.zeros(3, 1, 120))
    )
    expected, _ = amp(problem_of(MAPS[0]), 7)
    assert np.abs(net(VALUES.double()).numpy()[0] - expected).max() > 0.1 * np.abs(expected).max()


def test_a_chain_of_a_learned_denoiser_can_be_the_posterior_one():
    learned, posterior = LearnedDenoiser(chains=1).double(), PosteriorDenoiser(0.9, nodes=12)
    count, energy = torch.tensor([120.0]).double(), torch.tensor([[5.0]]).double()
    messages = torch.linspace(-3, 9, 50).double()[None, None]
    with torch.no_grad():
        learned.height.copy_(torch.log(torch.expm1(torch.tensor([0.9]).double())))  # the inverse of softplus
        learned.prior.copy_(torch.logit(torch.tensor([12 / 120]).double()) + torch.log(count) / 2)
    found, expected = learned(messages, energy, count), posterior(messages, energy, count)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    for denoiser in (learned, posterior):
        torch.testing.assert_close(denoiser.combined(expected.odds, energy), expected.odds[:, 0])


def test_a_chain_that_finds_a_block_outvotes_those_that_find_none():
    odds = torch.full((1, 3, 100), -5.0)
    odds[0, 1, :10] = 8.0
    energy = torch.sigmoid(odds).square().sum(dim=-1)
    found = LearnedDenoiser(chains=3).combined(odds, energy)[0]
    assert bool((found[:10] > 4).all()) and bool((found[10:] < -4).all())
    assert bool((LearnedDenoiser(chains=3).combined(odds, torch.ones(1, 3))[0, :10] < 1).all())  # without the votes


@pytest.mark.parametrize(
    "denoiser", [LearnedDenoiser(chains=1), PosteriorDenoiser(0.9, 12)], ids=["learned", "posterior"]
)
def test_the_slope_is_the_derivative(denoiser):
    messages = torch.randn(2, 1, 30, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    found = denoiser.double()(messages, torch.tensor([[3.0], [8.0]]).double(), torch.tensor([30.0, 30.0]).double())
    (derivative,) = torch.autograd.grad(found.value.sum(), messages)
    torch.testing.assert_close(found.slope, derivative)


def test_scores_move_with_the_nodes_and_padding_changes_nothing():
    torch.manual_seed(0)
    net = UnrolledAMP().double()
    values = VALUES.double()
    scores = net(values)
    order = torch.randperm(120)
    torch.testing.assert_close(net(values[:, order][:, :, order]), scores[:, order])
    padded = functional.pad(values, (0, 5, 0, 5), value=torch.nan)
    again = net(padded)
    torch.testing.assert_close(again[:, :120], scores)
    assert torch.isneginf(again[:, 120:]).all()
    ragged = build(map_recipe(4, **BLOCKS["block, shuffled, or none"])).test
    assert np.array_equal(
        np.isfinite(net(torch.from_numpy(ragged.values).double()).detach().numpy()), ragged.row_place >= 0
    )
    shifted = 3 * values + 7
    torch.testing.assert_close(net(shifted), scores)


def test_it_is_small_and_refuses_what_is_no_map():
    assert sum(weight.numel() for weight in UnrolledAMP().parameters()) <= 20_000
    with pytest.raises(InputError, match=r"must have shape \(B, n, n\)"):
        UnrolledAMP()(torch.zeros(3, 4, 5))
    with pytest.raises(InputError, match="at least one step"):
        UnrolledAMP(steps=0)


@pytest.mark.learning
@pytest.mark.slow
def test_it_learns_to_find_blocks_and_finds_them_in_larger_maps():
    torch.manual_seed(0)
    recipe = map_recipe(
        splits={"train": 1, "test": 1}, n=100, plant={**BLOCK, "nodes": 10, "amplitude": [1.0, 1.2, 1.5]}
    )
    net = UnrolledAMP(steps=8)
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for step, maps in zip(range(400), stream_maps(recipe, "train", 16), strict=False):
        loss = functional.binary_cross_entropy_with_logits(
            net(torch.from_numpy(maps.values)), torch.from_numpy(maps.membership).float()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] = 5e-3 * (1 - step / 400)
    larger = build(map_recipe(8, n=400, plant={**BLOCK, "nodes": 20, "amplitude": 1.2})).test
    with torch.no_grad():
        found = block_overlaps(net(torch.from_numpy(larger.values)).numpy(), larger).mean()
    problems = [problem_of(larger[index]) for index in range(8)]
    best, least = (
        block_overlaps(np.stack([rule(problem)[0] for problem in problems]), larger).mean() for rule in (amp, degrees)
    )
    assert found > best - 0.1, (found, best, least)
