"""Saved models: equal scores after a round trip, and a clear refusal of changed files."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from gnnmax.errors import InputError
from gnnmax.models.images.entries import CnnConfig
from gnnmax.models.model_folders import load_model, save_model
from gnnmax.models.registry import MODELS, build_model
from gnnmax.task.windows import Windows


def sample(k: int = 5, n: int = 300) -> Windows:
    return Windows.from_values(np.random.default_rng(0).normal(size=(n, k, k)).astype(np.float32))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(tmp_path / "gnn", build_model("gnn", 5, seed=2), name="gnn", k=5, seed=2, validation_loss=0.25)
    return tmp_path / "gnn"


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if not entry.needs_contexts])
def test_scores_survive_the_round_trip(name: str, tmp_path: Path) -> None:
    net, w = build_model(name, 5, seed=3).eval(), sample()
    save_model(tmp_path, net, name=name, k=5, seed=3)
    model = load_model(str(tmp_path))
    with torch.no_grad():
        expected = torch.cat([net(part) for part in torch.tensor(w.values).split(256)]).numpy()
    np.testing.assert_array_equal(model.score(w), expected)
    np.testing.assert_array_equal(model(w), expected)
    assert model.score(w).dtype == np.float32
    assert (model.name, model.k, model.config) == (name, 5, MODELS[name].config())
    assert not model.module.training


def test_the_card_tells_where_a_model_comes_from(tmp_path: Path) -> None:
    config = CnnConfig(width=4, blocks=1)
    net = build_model("cnn", 9, config)
    save_model(tmp_path, net, name="cnn", k=9, config=config, recipe="spike-9", recipe_digest="ab", validation_loss=0.5)
    model = load_model(tmp_path, device="cpu")
    assert model.config == config
    assert (model.card.recipe, model.card.recipe_digest, model.card.validation_loss) == ("spike-9", "ab", 0.5)
    assert model.card.versions["torch"].startswith("2.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]


def test_a_model_of_any_side_scores_any_side_and_another_only_its_own(saved: Path, tmp_path: Path) -> None:
    assert load_model(saved).score(sample(k=9)).shape == (300,)
    save_model(tmp_path / "q", build_model("question", 5), name="question", k=5)
    with pytest.raises(InputError, match="trained on windows of side 5, accepts no other, and got 9"):
        load_model(tmp_path / "q").score(sample(k=9))


def test_nan_and_no_windows_are_refused(saved: Path) -> None:
    values = sample().values.copy()
    values[7, 0, 0] = np.nan
    with pytest.raises(InputError, match="the values of 1 of 300 windows to score are NaN"):
        load_model(saved).score(Windows.from_values(values))
    with pytest.raises(InputError, match="there are no windows to score"):
        load_model(saved).score(sample()[:0])


def test_among_seeds_the_lowest_validation_loss_is_loaded(tmp_path: Path) -> None:
    for seed, loss in enumerate([None, 0.3, 0.1, 0.2]):
        net = build_model("cnn", 5, seed=seed)
        save_model(tmp_path / f"seed-{seed}", net, name="cnn", k=5, seed=seed, validation_loss=loss)
    assert load_model(tmp_path).card.seed == 2


def rewrite(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, **changes}))


def forge(folder: Path, content: bytes) -> None:
    """Replace the weights and make the card's digest fit."""
    (folder / "weights.safetensors").write_bytes(content)
    rewrite(folder, weights_sha256=hashlib.sha256(content).hexdigest())


def forged_weights(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        weights = {key: tensor.contiguous() for key, tensor in build_model("gnn", 5).state_dict().items()}
        change(weights)
        forge(folder, save(weights))

    return apply


def cut_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def flip_a_bit(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (cut_weights, "the file was changed or cut short"),
        (flip_a_bit, "the file was changed or cut short"),
        (lambda f: (f / "weights.safetensors").unlink(), "cannot read .*weights.safetensors: No such file"),
        (lambda f: (f / "weights.safetensors").write_bytes(bytes(3_000_000)), "is larger than"),
        (lambda f: forge(f, b""), "not a safetensors file"),
        (lambda f: forge(f, pickle.dumps({"a": 1})), "not a safetensors file"),
        (lambda f: forge(f, (10**18).to_bytes(8, "little")), "not a safetensors file"),
        (forged_weights(lambda w: w.update(extra=torch.zeros(1))), "nothing was expected"),
        (forged_weights(lambda w: w.pop("head.2.bias")), "has nothing for 'head.2.bias'"),
        (
            forged_weights(lambda w: w.update({"head.2.bias": torch.zeros(2)})),
            r"torch.float32 \(2,\) for 'head.2.bias'",
        ),
        (forged_weights(lambda w: w.update({"head.2.bias": torch.zeros(1).double()})), "torch.float64"),
        (forged_weights(lambda w: w.update({"head.2.bias": torch.tensor([torch.nan])})), "NaN or infinite"),
        (lambda f: rewrite(f, model="os.system"), "unknown model 'os.system'; known: "),
        (lambda f: rewrite(f, model="os:system"), "is a net of your own, os:system: to run that code, give"),
        (lambda f: rewrite(f, model="cnn", config={}), "it is of another net"),
        (lambda f: rewrite(f, config={"width": 10**6}), "Expected `int` <= "),
        (lambda f: rewrite(f, config={"code": "x"}), "unknown field `code`"),
        (lambda f: rewrite(f, k=4), "must be odd"),
        (lambda f: rewrite(f, k=10**9), "Expected `int` <= 255"),
        (lambda f: rewrite(f, format=2), "Invalid enum value 2"),
        (lambda f: rewrite(f, any_k=1), "Expected `bool`"),
        (lambda f: rewrite(f, weights_sha256="../../x"), "matching regex"),
        (lambda f: rewrite(f, surprise=1), "unknown field `surprise`"),
        (lambda f: (f / "model.json").write_text("[" * 500_000), "the model card .* is damaged"),
        (lambda f: (f / "model.json").write_text(" " * 1_000_001), "is larger than 1 MB"),
        (lambda f: (f / "model.json").write_bytes(b'{"name": "\xff\xfe"}'), "the model card .* is damaged"),
        (lambda f: (f / "model.json").write_text(""), "the model card .* is damaged"),
        (lambda f: (f / "model.json").unlink(), "holds no model.json, nor do folders seed-"),
    ],
)
def test_a_tampered_model_is_refused_in_one_line(saved: Path, tamper: Callable, message: str) -> None:
    load_model(saved)
    tamper(saved)
    with pytest.raises(InputError, match=message) as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_file_are_refused(saved: Path) -> None:
    for path in (saved / "nowhere", saved / "model.json"):
        with pytest.raises(InputError, match="there is no folder"):
            load_model(path)


def test_a_card_that_claims_any_side_for_a_net_of_one_side_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, build_model("question", 5), name="question", k=5)
    rewrite(tmp_path, any_k=True)
    with pytest.raises(InputError, match="the card says any_k = True, which is wrong for question"):
        load_model(tmp_path)


def test_a_model_is_not_written_over(saved: Path) -> None:
    before = (saved / "weights.safetensors").read_bytes()
    with pytest.raises(InputError, match="holds a model already"):
        save_model(saved, build_model("gnn", 5), name="gnn", k=5)
    assert (saved / "weights.safetensors").read_bytes() == before


def test_a_module_that_is_not_what_it_is_called_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the module to save .* it is of another net"):
        save_model(tmp_path / "x", build_model("cnn", 5), name="gnn", k=5)
    broken = build_model("gnn", 5)
    with torch.no_grad():
        broken.head[2].bias.fill_(torch.inf)
    with pytest.raises(InputError, match="NaN or infinite"):
        save_model(tmp_path / "x", broken, name="gnn", k=5)
    assert not (tmp_path / "x").exists()
