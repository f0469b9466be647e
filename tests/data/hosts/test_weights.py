"""Laws of weights that depend on the host: blocks that share a factor, hubs that make stripes."""

import msgspec
import numpy as np
import pytest

from gnnmax.data.generation import build
from gnnmax.data.hosts.families import BarabasiAlbert, ErdosRenyi
from gnnmax.data.hosts.host import degrees
from gnnmax.data.hosts.weights import BlockCorrelated, DegreeDriven, Law, Lognormal, Uniform, sample_weights, weigh
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.verification import check_windows_of
from tests.support.recipes import recipe_of


def rng(seed=0):
    return np.random.default_rng(seed)


def complete(nodes=40, directed=False):
    return ErdosRenyi(nodes=nodes, probability=1.0, directed=directed).sample(rng())


def share_between_blocks(host, weights, blocks):
    """Share of the variance of the logarithm that the pair of blocks explains."""
    logs = np.log(weights.astype(np.float64))
    u, v = (host.edges * blocks // host.nodes).T
    pair = u * blocks + v
    means = np.bincount(pair, logs, blocks**2) / np.maximum(np.bincount(pair, minlength=blocks**2), 1)
    return np.var(means[pair]) / np.var(logs)


def test_edges_between_the_same_two_blocks_share_a_factor():
    host = complete(80)
    shares = [
        share_between_blocks(host, weigh(BlockCorrelated(blocks=8, shared=1.0, own=0.5), host, rng(seed)), 8)
        for seed in range(20)
    ]
    assert 0.7 < np.mean(shares) < 0.88  # 1 / (1 + 0.25) = 0.8
    independent = weigh(Lognormal(sigma=1.1), host, rng())
    assert share_between_blocks(host, independent, 8) < 0.05


def test_blocks_are_stretches_of_the_natural_order_and_directions_have_factors_of_their_own():
    law = BlockCorrelated(blocks=2, shared=1.0, own=0.0)
    host = complete(8)
    weights = weigh(law, host, rng())
    kinds = {tuple(pair) for pair in (host.edges // 4).tolist()}
    assert len(set(weights.tolist())) == len(kinds) == 3
    assert len(set(weigh(law, complete(8, directed=True), rng()).tolist())) == 4


def test_the_spread_within_a_pair_of_blocks_is_as_asked():
    host = complete(200)
    logs = np.log(weigh(BlockCorrelated(blocks=1, shared=2.0, own=0.3), host, rng()).astype(np.float64))
    assert logs.std() == pytest.approx(0.3, rel=0.03)
    factors = [np.log(weigh(BlockCorrelated(blocks=1, shared=2.0, own=0.0), host, rng(s))[0]) for s in range(200)]
    assert np.std(factors) == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize("power", [1.0, 0.5, -1.0])
def test_weights_follow_a_power_of_both_degrees(power):
    host = BarabasiAlbert(nodes=200, attachments=5).sample(rng())
    count = degrees(host)
    product = np.log(count[host.edges].astype(np.float64)).sum(axis=1)
    logs = np.log(weigh(DegreeDriven(power=power, own=0.4), host, rng()).astype(np.float64))
    slope, _ = np.polyfit(product, logs, 1)
    assert slope == pytest.approx(power, abs=0.1)
    assert (logs - power * product).std() == pytest.approx(0.4, rel=0.1)
    free = np.log(weigh(Lognormal(sigma=0.4), host, rng()).astype(np.float64))
    assert abs(np.polyfit(product, free, 1)[0]) < 0.1


def test_hubs_make_stripes():
    host = BarabasiAlbert(nodes=100, attachments=5).sample(rng())
    weights = weigh(DegreeDriven(), host, rng())
    hub = (host.edges == np.argmax(degrees(host))).any(axis=1)
    assert np.median(weights[hub]) > 2 * np.median(weights[~hub])


def test_a_host_without_edges_has_no_weights():
    host = ErdosRenyi(nodes=6, probability=0.0).sample(rng())
    for law in (BlockCorrelated(), DegreeDriven(), Uniform()):
        assert weigh(law, host, rng()).shape == (0,)


def test_independent_laws_draw_the_same_as_before_the_host_was_asked():
    host = complete()
    law = Uniform(unit=(0.1, 10.0))
    assert weigh(law, host, rng()).tobytes() == sample_weights(law, len(host.edges), rng()).tobytes()


@pytest.mark.parametrize("law", [BlockCorrelated(unit=(0.01, 100.0)), DegreeDriven(unit=(0.01, 100.0))])
def test_host_laws_have_a_unit_and_the_same_bytes_again(law):
    host = complete()
    assert weigh(law, host, rng()).tobytes() == weigh(law, host, rng()).tobytes()
    assert weigh(law, host, rng()).dtype == np.float32
    means = [float(np.log(weigh(law, host, rng(seed))).mean()) for seed in range(30)]
    assert np.std(means) > 1.0
    assert msgspec.convert(msgspec.to_builtins(law), Law) == law


@pytest.mark.parametrize("law", [{"type": "block_correlated"}, {"type": "degree_driven", "power": 1.0}])
def test_recipes_with_host_laws_build_and_verify(law):
    recipe = recipe_of(ErdosRenyi(nodes=60, probability=0.5), weights=[law])
    data = build(recipe)
    assert all(check.holds for check in check_windows_of(recipe, "test", data.test))


def test_hosts_without_edges_of_their_own_refuse_host_laws():
    with pytest.raises(ValueError, match="edges of their own"):
        load_recipe("noise-9-mu3").replace(
            weights=[{"type": "degree_driven"}], plant={"type": "spike"}, label="observed"
        )
