"""The assertions for graph nets: each passes a right net and fails a broken twin."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    GIN,
    GATConv,
    GCNConv,
    SAGEConv,
    Sequential,
    global_add_pool,
    global_mean_pool,
    to_hetero,
)

from gnnmax import InputError
from gnnmax.testing import assert_permutation_equivariant, assert_permutation_invariant
from tests.support.graphs import adjacency, floats, plain_graph, rich_batch, rich_graph, rich_types, rich_types_batch

BOTH = pytest.mark.parametrize("check", [assert_permutation_invariant, assert_permutation_equivariant])


def seeded(make):
    """Make a net with weights of a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make()


class Net(nn.Module):
    """Two convolutions; pooled it has one output for each graph."""

    def __init__(self, *, pooled=False, numbered=0.0, dropout=0.0, norm=False):
        super().__init__()
        self.first, self.second = seeded(lambda: (GCNConv(3, 8), GCNConv(8, 2)))
        self.drop, self.norm = nn.Dropout(dropout), nn.BatchNorm1d(8) if norm else nn.Identity()
        self.pooled, self.numbered = pooled, numbered

    def forward(self, x, edge_index, batch=None):
        x = x + self.numbered * torch.arange(len(x))[:, None]
        x = self.second(self.drop(self.norm(torch.relu(self.first(x, edge_index)))), edge_index)
        return global_mean_pool(x, batch) if self.pooled else x


@pytest.mark.parametrize("make", [plain_graph, rich_graph, rich_batch])
def test_a_graph_net_is_equivariant_before_and_invariant_after_pooling(make):
    assert_permutation_equivariant(Net(), make())
    assert_permutation_invariant(Net(pooled=True), make())
    with pytest.raises(AssertionError, match="the output notices the order of the nodes: nodes"):
        assert_permutation_invariant(Net(), make())


@BOTH
@pytest.mark.parametrize("make", [plain_graph, rich_batch])
def test_a_net_that_reads_the_numbers_of_nodes_is_stopped_by_two_nodes(check, make):
    pooled = check is assert_permutation_invariant
    with pytest.raises(AssertionError, match=r"nodes \d+ and \d+ exchanged, they differ by .*\noutput") as caught:
        check(Net(pooled=pooled, numbered=1e-2), make())
    nodes = re.search(r"nodes \[(.*?)\]", str(caught.value))[1]
    assert len(nodes.split(",")) <= 3


def last_two(x):
    return x[-1] - x[-2]


def test_the_message_names_both_nodes_both_outputs_the_smallest_graph_and_how_attributes_were_read():
    data = Data(x=torch.tensor([[1.0], [2.0], [4.0], [8.0]]), edge_index=torch.tensor([[0, 2, 3], [1, 3, 2]]))
    with pytest.raises(AssertionError, match=r"^the output notices the order of the nodes: nodes \d and \d ") as caught:
        assert_permutation_invariant(last_two, data)
    first, output, graph, attributes = str(caught.value).splitlines()
    a, b = (int(node) for node in re.findall(r"nodes (\d) and (\d) exchanged", first)[0])
    before, after = (float(number) for number in re.findall(r"\[(.*?)\.\]", output))
    assert {before, after} == {float(2**a - 2**b), float(2**b - 2**a)}
    assert set(re.findall(r"nodes \[(\d), (\d)\], edge_index", graph)[0]) == {str(a), str(b)}
    assert attributes == "attributes read as node: x; index: edge_index"


def rooted(x, edge_index, root_index):
    """Read the root of each graph and its neighbours."""
    total = torch.zeros_like(x).index_add(0, edge_index[1], x[edge_index[0]])
    return x[root_index] * 2 + total[root_index]


def rooted_at_zero(x, edge_index, ptr):
    return rooted(x, edge_index, ptr[:-1])


def test_a_net_that_reads_the_root_is_right_and_one_that_takes_node_0_for_it_is_wrong():
    assert_permutation_invariant(rooted, rich_graph())
    assert_permutation_invariant(rooted, rich_batch())
    with pytest.raises(AssertionError, match="the output notices the order of the nodes"):
        assert_permutation_invariant(rooted_at_zero, rich_batch())


def test_positions_that_are_carried_as_features_break_nothing_and_recomputed_ones_do():
    data = plain_graph()
    data.position = torch.arange(7.0)[:, None]
    assert_permutation_equivariant(lambda x, position: x.cumsum(1) + position.sin(), data)
    with pytest.raises(AssertionError, match="do not move with the nodes"):
        assert_permutation_equivariant(lambda x: x + torch.arange(7.0)[:, None].sin(), data)


class Ordered(nn.Module):
    """An LSTM reads the neighbours of a node in the order of the edges."""

    def __init__(self):
        super().__init__()
        self.conv = seeded(lambda: SAGEConv(3, 4, aggr="lstm"))

    def forward(self, x, edge_index):
        return self.conv(x, edge_index)


def sorted_by(data, *rows):
    """Return data with its edges sorted by rows; within them in a random order."""
    edges = data.edge_index.numpy()
    order = np.lexsort([np.random.default_rng(0).random(edges.shape[1]), *(edges[row] for row in reversed(rows))])
    data.edge_index = data.edge_index[:, order]
    return data


def test_an_aggregation_that_depends_on_the_order_of_neighbours_is_stopped():
    with pytest.raises(AssertionError, match="do not move with the nodes: nodes"):
        assert_permutation_equivariant(Ordered(), sorted_by(plain_graph(), 1, 0))
    by_target = sorted_by(plain_graph(), 1)
    with pytest.raises(AssertionError, match=r"notices the order of the edges in edge_index: edges \d"):
        assert_permutation_equivariant(Ordered(), by_target)
    with pytest.raises(ValueError, match="sorted"):  # the net's own: its edges are not sorted after renumbering
        assert_permutation_equivariant(Ordered(), by_target, edge_order=False)


def test_edges_that_must_keep_their_order_keep_it():
    def to_the_reverse(x, edge_index, edge_attr):
        return (x[edge_index[0]] * edge_attr[torch.arange(len(edge_attr)) ^ 1]).sum()

    rng = np.random.default_rng(0)
    pairs = torch.tensor([[0, 1], [1, 2], [2, 3], [0, 4]])
    edges = torch.stack([pairs, pairs.flip(1)], dim=1).reshape(-1, 2).T
    data = Data(x=floats(rng, 5, 1), edge_index=edges, edge_attr=floats(rng, 8, 1))
    assert_permutation_invariant(to_the_reverse, data, edge_order=False)
    with pytest.raises(AssertionError, match="order of the edges"):
        assert_permutation_invariant(to_the_reverse, data)


def test_outputs_of_edges_and_of_given_pairs_of_nodes_stay_with_them():
    def pairs(x, edge_label_index):
        return (x[edge_label_index[0]] * x[edge_label_index[1]]).sum(1)

    assert_permutation_invariant(pairs, rich_graph())
    assert_permutation_invariant(lambda x, edge_index: pairs(x, edge_index), rich_graph(), edge_order=False)


def test_a_sparse_matrix_and_masks_are_renumbered():
    def masked(x, adj_t, train_mask):
        return (adj_t @ x)[train_mask].sum(0)

    assert_permutation_invariant(masked, rich_graph())
    data = rich_graph()
    fixed = data.adj_t
    with pytest.raises(AssertionError, match="notices the order of the nodes"):
        assert_permutation_invariant(lambda x: (fixed @ x * x).sum(0), data)
    assert adjacency(data.edge_index, data.edge_attr[:, 0], 7).shape == (7, 7)


class Types(nn.Module):
    """A convolution for each type of edges; one type of nodes may get numbers."""

    def __init__(self, wrong=None):
        super().__init__()
        self.writes, self.cites = seeded(lambda: (SAGEConv((3, 3), 2), SAGEConv((3, 3), 2)))
        self.own = seeded(lambda: nn.Linear(3, 2))
        self.wrong = wrong

    def forward(self, x_dict, edge_index_dict):
        author, paper = x_dict["author"], x_dict["paper"]
        written = self.writes((author, paper), edge_index_dict["author", "writes", "paper"])
        cited = self.cites((paper, paper), edge_index_dict["paper", "cites", "paper"])
        found = {"paper": written + cited, "author": self.own(author)}
        if self.wrong:
            found[self.wrong] = found[self.wrong] + torch.arange(len(found[self.wrong]))[:, None]
        return found


@pytest.mark.parametrize("make", [rich_types, rich_types_batch])
def test_a_net_of_several_types_moves_with_the_nodes_of_each(make):
    assert_permutation_equivariant(Types(), make())
    for kind in ("paper", "author"):
        with pytest.raises(
            AssertionError, match=rf"nodes \d+ and \d+ of {kind} exchanged(.|\n)*output\['{kind}'\] of node"
        ):
            assert_permutation_equivariant(Types(wrong=kind), make())


def test_a_pooled_net_of_several_types_and_one_that_was_made_of_a_plain_net():
    data = rich_types_batch()

    def pooled(given):
        found = Types()(given.x_dict, given.edge_index_dict)
        return sum(global_add_pool(found[kind], given[kind].batch) for kind in found)

    assert_permutation_invariant(pooled, data, call=pooled)
    data["paper", "written", "author"].edge_index = data["author", "writes", "paper"].edge_index.flip(0)
    net = seeded(lambda: to_hetero(Sage(), data.metadata()))
    assert_permutation_equivariant(net, data)


class Sage(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = SAGEConv((3, 3), 2)

    def forward(self, x, edge_index):
        return self.conv(x, edge_index)


def wrong_in_the_second(x, batch, ptr):
    total = global_add_pool(x, batch)
    return total + torch.tensor([[0.0], [1.0], [0.0]]) * x[ptr[1]]


def test_a_net_that_is_wrong_on_the_second_graph_of_a_batch_is_stopped_there():
    with pytest.raises(AssertionError, match=r"nodes (\d) and (\d) exchanged") as caught:
        assert_permutation_invariant(wrong_in_the_second, rich_batch())
    a, b = map(int, re.findall(r"nodes (\d) and (\d) exchanged", str(caught.value))[0])
    assert 4 in (a, b)
    assert 4 <= min(a, b) <= max(a, b) < 10  # the nodes of the second graph


def test_nodes_stay_in_their_graph():
    data = Data(x=floats(np.random.default_rng(0), 7, 3), batch=torch.tensor([0, 0, 0, 1, 1, 1, 1]))
    assert_permutation_invariant(lambda x: global_add_pool(x, torch.tensor([0, 0, 0, 1, 1, 1, 1])), data)
    del data.batch
    with pytest.raises(AssertionError, match="notices the order of the nodes"):
        assert_permutation_invariant(lambda x: global_add_pool(x, torch.tensor([0, 0, 0, 1, 1, 1, 1])), data)


@BOTH
def test_a_stochastic_net_is_no_net_with_a_symmetry(check):
    net = Net(pooled=check is assert_permutation_invariant, dropout=0.5)
    with pytest.raises(AssertionError, match=r"two calls on the same data differ .*call module\.eval"):
        check(net, plain_graph())
    check(net.eval(), plain_graph())


@BOTH
def test_the_net_the_data_and_the_random_state_are_the_same_afterwards(check):
    net = Net(pooled=check is assert_permutation_invariant, norm=True)
    net.second.eval()
    net.first.cached = True
    data = rich_graph()
    data.x.requires_grad_()
    sum(part.sum() for part in net(data.x.detach(), data.edge_index)).backward()
    net.first._cached_edge_index = None
    net.zero_grad(set_to_none=False)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    grads = [parameter.grad for parameter in net.parameters()]
    random = torch.default_generator.get_state()
    check(net, data)
    assert [net.training, net.first.training, net.second.training] == [True, True, False]
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
    assert all(
        parameter.grad is grad and not grad.any() for parameter, grad in zip(net.parameters(), grads, strict=True)
    )
    assert net.first._cached_edge_index is None
    assert torch.equal(random, torch.default_generator.get_state())


def test_a_net_that_changes_its_input_leaves_the_data_of_the_caller():
    data = plain_graph()
    before = data.x.clone()
    assert_permutation_invariant(lambda data: data.x.mul_(2).sum(), data)
    assert torch.equal(data.x, before)


@BOTH
def test_a_constant_shows_nothing(check):
    def constant(x):
        return torch.ones(3) if check is assert_permutation_invariant else torch.ones(len(x), 2)

    with pytest.raises(AssertionError, match="every output is the same"):
        check(constant, plain_graph())


def test_a_constant_in_the_outputs_hides_no_dependence_on_the_order_of_nodes():
    data = plain_graph(6, channels=2)
    assert_permutation_invariant(lambda x: x.sum() + 1e5, data)
    with pytest.raises(AssertionError, match="notices the order"):
        assert_permutation_invariant(lambda x: x.sum() + x[0, 0] + 1e5, data)
    marked = torch.tensor([1.0, 0, 0, 0, 0, 0])[:, None]
    assert_permutation_equivariant(lambda x: 2 * x + 1e5, data)
    with pytest.raises(AssertionError, match="do not move with the nodes"):
        assert_permutation_equivariant(lambda x: x + marked + 1e5, data)


def test_a_channel_of_large_outputs_hides_no_fault_in_another():
    with pytest.raises(AssertionError, match="do not move with the nodes"):
        assert_permutation_equivariant(
            lambda x: torch.stack([1e6 * x[:, 0], x[:, 1] + 1e-2 * torch.arange(len(x))], dim=1), plain_graph()
        )


def test_the_rounding_of_a_deep_net_is_no_fault_and_its_weights_stay_in_float32():
    net = seeded(lambda: GIN(3, 16, 12, 2, norm="BatchNorm"))
    assert_permutation_equivariant(net, plain_graph(60))
    assert {each.dtype for each in (*net.parameters(), *net.buffers())} == {torch.float32, torch.int64}


def test_a_net_that_refuses_float64_is_called_in_its_own_type():
    weights, seen = floats(np.random.default_rng(0), 3, 2), []

    def net(x):
        seen.append(x.dtype)
        return x @ weights

    assert_permutation_equivariant(net, plain_graph())
    assert seen[:2] == [torch.float32, torch.float64]
    assert set(seen[2:]) == {torch.float32}
    with pytest.raises(AssertionError, match="do not move with the nodes"):
        assert_permutation_equivariant(lambda x: (x + 1e-3 * torch.arange(len(x))[:, None]) @ weights, plain_graph())


def test_a_constant_with_rounding_is_a_constant():
    def third(x):
        return (1e5 * x + 1 / 3) - 1e5 * x  # in float64 apart by 1e-11

    with pytest.raises(AssertionError, match="every output is the same"):
        assert_permutation_equivariant(third, plain_graph(30))


def test_outputs_that_are_not_finite_are_compared_where_they_are():
    assert_permutation_equivariant(lambda x: torch.where(x > 0, x, -torch.inf), plain_graph())
    with pytest.raises(AssertionError, match="they differ by inf"):
        assert_permutation_equivariant(
            lambda x: torch.where(torch.arange(len(x))[:, None] == 2, torch.nan, x), plain_graph()
        )


def test_an_output_of_another_shape_is_a_fault():
    with pytest.raises(AssertionError, match=r"shape \(.*\) becomes shape"):
        assert_permutation_invariant(lambda x: x[: 1 + int(x[0, 0] > 0)].sum(1), plain_graph(9))


@pytest.mark.parametrize("nested", [lambda x: (x, [x * 2, None]), lambda x: {"first": x, "second": x.abs()}])
def test_tensors_in_tuples_and_dictionaries_are_compared_one_by_one(nested):
    assert_permutation_equivariant(nested, plain_graph())

    def spoiled(x):
        found = nested(x)
        return {"rest": found, "last": x + torch.arange(len(x))[:, None]}

    with pytest.raises(AssertionError, match=r"output\['last'\] of node"):
        assert_permutation_equivariant(spoiled, plain_graph())


def test_the_usual_signatures_are_called_by_the_names_of_their_parameters():
    data = rich_graph()
    data.edge_weight = data.edge_attr[:, 0].abs()
    assert_permutation_equivariant(seeded(lambda: GCNConv(3, 2)), data)
    assert_permutation_equivariant(seeded(lambda: GATConv(3, 2, edge_dim=2, heads=2)), data)
    chain = seeded(lambda: Sequential("x, edge_index", [(GCNConv(3, 4), "x, edge_index -> x"), nn.ReLU()]))
    assert_permutation_equivariant(chain, data)
    assert_permutation_invariant(lambda data: data.x.sum(0), data)
    with pytest.raises(InputError, match=r"the net takes 'h' and data does not have it: pass call="):
        assert_permutation_invariant(lambda h: h, data)
    with pytest.raises(InputError, match=r"the net takes \*args: pass call="):
        assert_permutation_invariant(lambda *args: args, data)
    with pytest.raises(InputError, match="expected a module or a function, not type"):
        assert_permutation_invariant(GCNConv, data)
    with pytest.raises(InputError, match="call it once on data first"):
        assert_permutation_equivariant(GCNConv(-1, 2), data)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("text", "expected tensors from the net, not str"),
        (None, "the net returned no tensor"),
        (torch.ones(1, 2), "expected one output for each of 7 nodes, not shape"),
    ],
)
def test_an_output_that_cannot_be_compared_is_refused(returned, message):
    with pytest.raises(InputError, match=message):
        assert_permutation_equivariant(lambda x: returned, plain_graph())


def test_outputs_of_several_types_must_say_their_type():
    with pytest.raises(InputError, match=r"dictionary of outputs by node type \(paper, author\)"):
        assert_permutation_equivariant(lambda x_dict: x_dict["paper"], rich_types())


@pytest.mark.parametrize("options", [{"orders": 0}, {"orders": True}, {"tolerance": -1}, {"tolerance": float("nan")}])
def test_options_that_would_test_nothing_are_refused(options):
    with pytest.raises(InputError, match="orders must be an integer and at least 1, and tolerance at least 0"):
        assert_permutation_equivariant(Net(), plain_graph(), **options)


def test_a_graph_without_two_nodes_shows_nothing():
    with pytest.raises(InputError, match="no two nodes can be exchanged"):
        assert_permutation_equivariant(lambda x: x, Batch.from_data_list([plain_graph(1), plain_graph(1)]))


def test_a_large_graph_is_shrunk_to_its_smallest_part_in_few_calls():
    calls = []

    def net(x, edge_index):
        calls.append(len(x))
        return (x[edge_index[0]] * (edge_index[0] < edge_index[1])[:, None]).sum(0)

    data = plain_graph(120, channels=1)
    with pytest.raises(AssertionError, match=r"shows it: nodes \[\d+, \d+\], edge_index \[\["):
        assert_permutation_invariant(net, data)
    assert len(calls) < 400
