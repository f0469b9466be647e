"""Laws of the nets that read a window as an image: sizes, visible positions, and limits for any weights."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gnnmax import InputError
from gnnmax.models.images import tower
from gnnmax.models.images.cnn import ImageNet
from gnnmax.models.images.downsampling import Blur, Polyphase
from gnnmax.models.images.tower import Tower, TowerNet
from gnnmax.models.images.views import ADJACENCY, CONTEXTS, VALUES
from gnnmax.models.registry import MODELS, build_model
from gnnmax.models.tower_spec import TowerSpec, convolved_side, sampled_side
from gnnmax.models.visibility import blur_taps, orbit, visible_ceiling
from tests.support.nets import EXACT, awake, change, windows

SIDES = (3, 5, 9, 15)

CEILINGS = {
    "question": (1, 1, 1, 1),
    "question-max": (1, 1, 1, 1),
    "question-average": (1, 1, 1, 1),
    "question-global": (1, 1, 0.85, 0.7321),
    "question-valid": (1, 1, 1, 1),
    "question-strided": (1, 1, 1, 1),
    "valid-global": (1, 1, 0.85, 0.7321),
    "zero-global": (1, 1, 1, 0.9821),
    "circular-global": (0.5, 0.5, 0.5, 0.5),
    "full-global": (1, 1, 1, 0.9821),
    "circular-strided": (1, 1, 0.95, 0.9464),
    "blurpool": (1, 1, 0.95, 0.9464),
    "polyphase": (0.5, 0.5, 0.5, 0.5),
    "coordconv": (1, 1, 1, 1),
    "cnn": (1, 1, 1, 1),
    "cnn-contexts": (1, 1, 1, 1),
    "cnn-adjacency": (1, 1, 1, 1),
    "vit": (1, 1, 1, 1),
}


def pooled(padding: str, layers: int, **changes) -> TowerSpec:
    return TowerSpec(channels=(8,) * layers, padding=padding, head="global", **changes)


@pytest.mark.parametrize("name", CEILINGS)
def test_every_image_net_has_the_ceiling_that_is_known(name):
    assert [round(MODELS[name].ceiling(k), 4) for k in SIDES] == list(CEILINGS[name])


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("k", SIDES)
def test_a_border_is_seen_from_two_entries_a_layer(k, layers):
    expected = max(1, k - 4 * layers) ** 2
    if convolved_side(k, 2 * layers + 1, "valid") >= 1:
        assert orbit(pooled("valid", layers), k) == expected
    assert orbit(pooled("zero", layers), k) == expected
    assert orbit(pooled("full", layers), k) == expected
    assert orbit(pooled("circular", layers), k) == k * k


@pytest.mark.parametrize("k", SIDES)
def test_on_a_background_of_zeros_one_padded_layer_sees_one_entry_far_and_a_full_tower_nothing(k):
    assert orbit(pooled("zero", 1), k, "zero") == max(1, k - 2) ** 2
    assert [orbit(pooled("full", layers), k, "zero") for layers in (1, 3)] == [k * k] * 2


def test_at_side_3_every_kernel_touches_a_border_and_at_side_9_it_need_not():
    for padding in ("valid", "zero"):
        assert visible_ceiling(pooled(padding, 1), 3) == 1.0
        assert visible_ceiling(pooled(padding, 1), 9) == 0.85
    assert visible_ceiling(pooled("circular", 1), 3) == 0.5


@pytest.mark.parametrize("downsampling", ["stride", "blur"])
@pytest.mark.parametrize(("k", "step"), [(3, 3), (5, 5), (9, 3), (15, 3), (15, 5)])
def test_a_step_that_divides_the_side_leaves_a_grid_of_places_equally(k, step, downsampling):
    spec = pooled("circular", 2, steps=(1, step), downsampling=downsampling)
    assert orbit(spec, k) == spec.group.centre_orbit(k) == (k // step) ** 2


def test_what_falls_between_the_strides_is_not_seen_at_all():
    spec = pooled("circular", 2, steps=(1, 9))
    assert orbit(spec, 9) == 81 - 5 * 5  # one output, which reads 5 x 5 entries around a corner


@pytest.mark.parametrize("k", SIDES)
def test_a_grid_that_follows_the_image_is_blind_whether_or_not_the_step_divides_the_side(k):
    spec = pooled("circular", 2, steps=(1, 3), downsampling="polyphase")
    assert orbit(spec, k) == spec.group.centre_orbit(k) == k * k


def test_a_grid_that_is_chosen_by_its_norm_shows_the_border_even_where_one_entry_is_read():
    spec = TowerSpec(channels=(24,), steps=(2,), kernel=2, padding="zero", downsampling="polyphase", head="centre")
    assert orbit(spec, 5) == seen_alike(spec, 5, 0.3) == 1


def test_a_tie_between_grids_shows_their_order_to_a_head_that_reads_positions():
    spec = TowerSpec(channels=(24,), steps=(2,), padding="circular", downsampling="polyphase", head="flatten")
    assert orbit(spec, 5) <= seen_alike(spec, 5, 0.3) < 25


def test_a_mean_shows_the_size_of_a_block_that_is_cut_short():
    spec = TowerSpec(channels=(24,), steps=(2,), padding="full", downsampling="average", head="global")
    assert orbit(spec, 5, "zero") == seen_alike(spec, 5, 0.0) == 4


PLANS = st.builds(
    lambda layers, step, **rest: TowerSpec(channels=(24,) * layers, steps=(1,) * (layers - 1) + (step,), **rest),
    layers=st.integers(1, 2),
    step=st.integers(1, 3),
    kernel=st.integers(2, 3),
    padding=st.sampled_from(["valid", "zero", "circular", "full"]),
    downsampling=st.sampled_from(["stride", "max", "average", "blur", "polyphase"]),
    head=st.sampled_from(["flatten", "global", "centre"]),
    coordinates=st.booleans(),
)


def scores_of_spikes(spec: TowerSpec, k: int, background: float, seed: int) -> np.ndarray:
    """Score a spike at every entry by a tower with random weights."""
    images = torch.full((k * k, k * k), background, dtype=torch.float64)
    images.fill_diagonal_(1.7)
    with torch.no_grad():
        return awake(Tower(spec, k), seed)(images.view(-1, 1, k, k)).numpy()


def alike(scores: np.ndarray) -> np.ndarray:
    return np.abs(scores - scores[len(scores) // 2]) < 1e-10


def seen_alike(spec: TowerSpec, k: int, background: float) -> int:
    """Count by brute force the positions that several random towers cannot distinguish from the centre."""
    same = [alike(scores_of_spikes(spec, k, background, seed)) for seed in range(6)]
    return int(np.logical_and.reduce(same).sum())


@settings(max_examples=60, deadline=None)
@given(spec=PLANS, k=st.sampled_from([5, 7, 9]), zero=st.booleans())
def test_random_towers_take_for_the_centre_exactly_the_places_that_are_counted(spec, k, zero):
    try:
        spec.sides(k)
    except InputError:
        assume(False)
    found = seen_alike(spec, k, 0.0 if zero else 0.3)
    counted = orbit(spec, k, "zero" if zero else "any")
    assert found >= counted  # nobody sees more than is counted
    if spec.downsampling not in ("max", "polyphase") or max(spec.steps) == 1:
        assert found == counted  # and nothing that is counted as seen is hidden


def test_a_tower_that_pads_otherwise_than_its_plan_says_is_caught(monkeypatch):
    spec = pooled("circular", 2)
    monkeypatch.setattr(tower, "padded", lambda image, added, _padding: functional.pad(image, added * 2))
    assert seen_alike(spec, 9, 0.3) < orbit(spec, 9)


@pytest.mark.parametrize("padding", ["valid", "zero", "circular", "full"])
@pytest.mark.parametrize("kernel", [2, 3, 5])
@pytest.mark.parametrize("downsampling", ["stride", "max", "average", "blur", "polyphase"])
def test_images_have_the_sides_that_the_plan_says(padding, kernel, downsampling):
    for k in (5, 9, 15):
        for step in (1, 2, 3):
            spec = TowerSpec(channels=(2,), steps=(step,), kernel=kernel, padding=padding, downsampling=downsampling)
            image = Tower(spec, k).layers(torch.rand(1, 1, k, k))
            assert list(image.shape[2:]) == spec.sides(k) * 2


def test_a_valid_convolution_takes_more_than_the_public_answer_says():
    image = functional.conv2d(torch.rand(1, 1, 9, 9), torch.rand(1, 1, 5, 5))
    assert image.shape[-1] == convolved_side(9, 5, "valid") == 9 - (5 - 1)
    assert image.shape[-1] != 9 - 5 // 2


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_sides_are_rounded_up_and_full_ones_grow(side, stride):
    assert convolved_side(side, 3, "zero", stride) == sampled_side(side, stride) == math.ceil(side / stride)
    assert convolved_side(side, 3, "full") == side + 2


def rolled(values: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    return values.roll((rows, columns), dims=(1, 2))


@pytest.mark.parametrize(
    ("name", "least"), [("circular-global", None), ("polyphase", None), ("zero-global", 1e-3), ("valid-global", 1e-3)]
)
@pytest.mark.parametrize("k", [5, 9, 15])
def test_untrained_in_float32_closed_nets_are_invariant_to_rolls_and_others_not(name, least, k):
    net, values = build_model(name, k).eval(), torch.tensor(windows(0, k, n=50), dtype=torch.float32)
    with torch.no_grad():
        before, after = net(values), net(rolled(values, 2, k - 1))
    farthest = float((after - before).abs().max() / before.std())
    assert farthest < 1e-5 if least is None else farthest > least


@pytest.mark.parametrize(("name", "k"), [("circular-strided", 9), ("blurpool", 9), ("blurpool", 15)])
def test_strided_nets_are_invariant_to_whole_steps_only(name, k):
    net, values = awake(build_model(name, k)), windows(1, k)
    assert change(net, values, np.roll(values, (3, 6), axis=(1, 2))) < EXACT
    assert change(net, values, np.roll(values, 1, axis=1)) > 0.01


def test_a_blur_makes_a_translation_change_less():
    """Shift consistency after Zhang, of random nets: blurred features move less than strided ones."""
    moves = {}
    for downsampling in ("stride", "blur"):
        spec, moved = pooled("circular", 1, steps=(3,), downsampling=downsampling), []
        for seed in range(20):
            net, values = awake(TowerNet(spec, 9), seed), windows(seed, 9, n=20)
            moved.append(change(net, values, np.roll(values, 1, axis=1)))
        moves[downsampling] = float(np.mean(moved))
    assert moves["blur"] < 0.85 * moves["stride"]


class FixedGrid(Polyphase):
    """Keep the first grid, whatever its content."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image[:, :, :: self.step, :: self.step]


@pytest.mark.parametrize("k", [5, 9, 11])
def test_the_kept_grid_is_one_of_those_there_are_and_the_largest(k):
    image = torch.randn(20, 4, k, k, dtype=torch.float64)
    kept = Polyphase(3)(image)
    lines = [(np.arange(0, k + (-k) % 3, 3) + start) % k for start in range(k)]
    for one, grid in zip(image, kept, strict=True):
        grids = [one[:, rows][:, :, columns] for rows in lines for columns in lines]
        assert any(torch.equal(grid, other) for other in grids)
        assert float(grid.norm()) == pytest.approx(max(float(other.norm()) for other in grids))


def test_with_a_fixed_grid_polyphase_is_no_longer_blind():
    net = build_model("polyphase", 9)
    index = next(n for n, layer in enumerate(net.tower.layers) if isinstance(layer, Polyphase))
    net.tower.layers[index] = FixedGrid(3)
    values = windows(2, 9)
    assert change(awake(net), values, np.roll(values, 1, axis=1)) > 0.01


def test_a_blur_is_a_weighted_mean():
    assert torch.allclose(Blur(3, "circular")(torch.full((1, 2, 9, 9), 4.0)), torch.full((1, 2, 3, 3), 4.0))
    image = torch.randn(1, 1, 9, 9, dtype=torch.float64)
    taps = torch.as_tensor(blur_taps(3), dtype=torch.float64) / 16
    expected = sum(
        taps[a] * taps[b] * image.roll((2 - a, 2 - b), dims=(2, 3))[:, :, ::3, ::3] for a in range(5) for b in range(5)
    )
    torch.testing.assert_close(Blur(3, "circular")(image), expected)


def test_the_askers_network_has_his_number_of_parameters():
    net = TowerNet(TowerSpec(channels=(128, 64), kernel=2), k=3, outputs=10)
    assert sum(weight.numel() for weight in net.parameters()) == 39_242


def test_same_padding_adds_zeros_on_the_right_and_below_only():
    layer = Tower(TowerSpec(channels=(1,), kernel=2), 4).layers[0]
    image = torch.randn(1, 1, 4, 4)
    kernel = layer.weight.detach()[0, 0]
    padded = np.zeros((5, 5), dtype=np.float32)
    padded[:4, :4] = image[0, 0].numpy()
    expected = [
        [float((kernel * torch.tensor(padded[r : r + 2, c : c + 2])).sum()) for c in range(4)] for r in range(4)
    ]
    torch.testing.assert_close(layer(image)[0, 0].detach(), torch.tensor(expected))


def contexts(seed: int, k: int, n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.tensor(np.random.default_rng(seed).normal(size=(2, n, k, k)))
    return drawn[0] + drawn[0].mT, drawn[1] + drawn[1].mT


def test_the_adjacency_image_is_the_matrix_of_rows_and_columns_together():
    rng, k = np.random.default_rng(0), 5
    matrix = rng.normal(size=(20, 20))
    matrix += matrix.T
    nodes = rng.permutation(20)[: 2 * k]
    rows, columns = nodes[:k], nodes[k:]
    parts = [torch.tensor(matrix[np.ix_(a, b)])[None] for a, b in ((rows, columns), (rows, rows), (columns, columns))]
    image = ADJACENCY.image(*parts, "standard")[0]
    whole = matrix[np.ix_(nodes, nodes)]
    torch.testing.assert_close(image[0], image[0].mT)
    for block in ((slice(k), slice(k)), (slice(k), slice(k, None)), (slice(k, None), slice(k, None))):
        assert np.corrcoef(image[0][block].ravel(), whole[block].ravel())[0, 1] == pytest.approx(1)  # scaled blockwise
    assert image[1].nonzero().tolist() == [[k // 2, k + k // 2], [k + k // 2, k // 2]]
    assert ADJACENCY.centre(k) == (k // 2, k + k // 2)


@pytest.mark.parametrize("name", ["cnn-contexts", "cnn-adjacency"])
def test_a_net_that_is_given_contexts_reads_them_and_asks_for_them(name):
    net, values = awake(build_model(name, 9)), torch.tensor(windows(3, 9))
    (rows, columns), (others, _) = contexts(4, 9), contexts(5, 9)
    with torch.no_grad():
        scores = net(values, rows, columns)
        for changed in ((values, others, columns), (values, rows, others)):
            assert float((net(*changed) - scores).abs().max() / scores.std()) > 0.01
        assert net(torch.tensor(windows(3, 15)), *contexts(4, 15)).shape == (6,)
    with pytest.raises(InputError, match="contexts = true"):
        net(values)


@pytest.mark.parametrize("name", ["cnn-contexts", "cnn-adjacency"])
def test_the_scales_of_values_and_contexts_do_not_matter(name):
    net, values, (rows, columns) = awake(build_model(name, 9)), torch.tensor(windows(6, 9)), contexts(7, 9)
    with torch.no_grad():
        scores, scaled = net(values, rows, columns), net(values * 3 + 1, rows * 0.1, columns + 5)
    assert float((scaled - scores).abs().max() / scores.std()) < 1e-6


@pytest.mark.parametrize("view", [VALUES, CONTEXTS, ADJACENCY])
def test_a_view_has_its_channels_and_its_mark_where_the_centre_is(view):
    values, (rows, columns) = torch.tensor(windows(8, 9)), contexts(9, 9)
    image = view.image(values, rows, columns, "standard")
    assert image.shape[1] == view.channels
    row, column = view.centre(9)
    assert (image[:, 1, row, column] == 1).all()
    inside = image[:, 0, row - 1 : row + 2, column - 1 : column + 2]
    expected = VALUES.image(values, None, None, "standard")[:, 0, 3:6, 3:6]
    torch.testing.assert_close(inside, expected)


def test_the_view_decides_what_a_net_is_given_and_nothing_else():
    plain, wide = ImageNet(width=8, blocks=1), ImageNet(width=8, blocks=1, view=CONTEXTS)
    different = [
        name
        for (name, a), b in zip(plain.state_dict().items(), wide.state_dict().values(), strict=True)
        if a.shape != b.shape
    ]
    assert different == ["embed.0.weight"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: build_model("valid-global", 3, {"layers": 2}),
            "of side 3 are used up by 2 valid convolutions",
        ),
        (lambda: build_model("vit", 9, {"width": 30}), "heads must divide width"),
        (lambda: TowerSpec(channels=(8, 8), steps=(2,)), "2 convolutions take as many steps, not 1"),
        (lambda: MODELS["valid-global"].ceiling(3, MODELS["valid-global"].config(layers=2)), "take fewer layers"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
