"""Message passing: the dense form equals torch_geometric, and each mark has the declared symmetry."""

import sys
import tempfile
from types import SimpleNamespace

import pytest
import torch

from gnnmax.errors import InputError
from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.graphs.layers import LAYERS, _senders
from gnnmax.models.graphs.message_passing import MessagePassingNet
from gnnmax.models.registry import MODELS, build_model
from gnnmax.task.symmetry_groups import GROUPS
from tests.support.nets import EXACT, awake, change, translated, windows

BLIND = ("gatv2", "none")
"""Entries only weigh what nodes send, and unmarked nodes all send the same: every window scores alike."""

GROUP_OF = {"both": GROUPS["label"], "row": GROUPS["row_rooted"], "none": GROUPS["exchangeable_transposed"]}


def both_forms(name: str, **config: str) -> list[MessagePassingNet]:
    return [build_model(name, 9, {**config, "form": form}, seed=3) for form in ("dense", "sparse")]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mark", GROUP_OF)
@pytest.mark.parametrize("k", [3, 9])
def test_the_dense_form_scores_what_torch_geometric_scores(name, mark, k):
    dense, sparse = map(awake, both_forms(name, mark=mark))
    values = torch.tensor(windows(k, k))
    assert (name, mark) == BLIND or dense(values).std() > 1e-6
    torch.testing.assert_close(dense(values), sparse(values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_in_float32_scores_agree_to_five_digits_and_so_do_gradients_in_float64(name):
    dense, sparse = both_forms(name)
    values = torch.tensor(windows(0, 9, n=64), dtype=torch.float32)
    torch.testing.assert_close(dense(values), sparse(values), rtol=1e-5, atol=1e-5)
    dense, sparse = awake(dense), awake(sparse)
    for net in (dense, sparse):
        net(values.double()).sum().backward()
    for ours, theirs in zip(dense.parameters(), sparse.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_a_dense_form_that_hears_its_own_side_disagrees(name, monkeypatch):
    monkeypatch.setattr("gnnmax.models.graphs.layers._senders", lambda nodes: _senders(nodes.flip(1)))
    dense, sparse = map(awake, both_forms(name, mark="row"))
    values = torch.tensor(windows(0, 9))
    assert not torch.allclose(dense(values), sparse(values), rtol=1e-3)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mark", GROUP_OF)
@pytest.mark.parametrize("k", [3, 9])
def test_scores_are_invariant_to_the_group_of_the_mark(name, mark, k):
    net, values = awake(build_model(name, k, {"mark": mark})), windows(k, k)
    if (name, mark) == BLIND:
        assert net(torch.tensor(values)).std() < EXACT
        return
    for g in GROUP_OF[mark].generators(k):
        assert change(net, values, values.reshape(-1, k * k)[:, g].reshape(values.shape)) < EXACT


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_marked_is_noticed(name):
    values = windows(1, 9)
    assert change(awake(build_model(name, 9)), values, translated(values)) > 0.01
    by_row = awake(build_model(name, 9, {"mark": "row"}))
    assert change(by_row, values, translated(values)) > 0.01
    assert change(by_row, values, values.swapaxes(1, 2)) > 0.01


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(("mark", "ceiling"), [("both", 1.0), ("row", 0.95), ("none", 0.5)])
def test_the_ceiling_follows_from_the_mark(name, mark, ceiling):
    entry = MODELS[name]
    assert entry.ceiling(9, entry.config(mark=mark)) == pytest.approx(ceiling)


def test_heads_that_cannot_share_the_width_are_refused():
    with pytest.raises(InputError, match="3 heads cannot share a width of 16"):
        build_model("gatv2", 9, {"heads": 3})


def test_only_what_was_generated_is_removed(tmp_path, monkeypatch):
    """The library itself may be installed below the temporary folder."""
    library, generated = tmp_path / "lib" / "message_passing.py", tmp_path / "mine_propagate_x1y2.py"
    near = tmp_path / "message_passing.py"
    library.parent.mkdir()
    for file in (library, generated, near):
        file.write_text("")

    class GraphLayer:
        def propagate(self):
            """A stand-in for a method that was generated, or not."""

        edge_updater = propagate

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, file in (
        ("torch_geometric.fake", library),
        ("torch_geometric.fake", near),
        ("mine_propagate", generated),
    ):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(__file__=str(file), __cached__=None))
        GraphLayer.propagate.__module__ = name
        remove_generated_files(GraphLayer())
        assert file.exists() == (file != generated)
