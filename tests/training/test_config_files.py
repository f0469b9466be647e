"""Config files: shipped files are valid, errors name the wrong field, and a call uses the file's values."""

import json
import re

import msgspec
import pytest

from gnnmax.cli.main import main
from gnnmax.errors import InputError
from gnnmax.models.architecture import named_architectures
from gnnmax.models.graphs.entries import GnnConfig
from gnnmax.models.matching import match_parameters
from gnnmax.models.registry import MODELS
from gnnmax.training.config import TrainingConfig
from gnnmax.training.config_files import config_names, load_config


@pytest.mark.parametrize("name", config_names())
def test_every_shipped_config_says_what_it_is_for(name):
    config = load_config(name)
    assert config.summary.endswith(".") and len(config.summary) < 120
    assert set(config.models) <= set(MODELS)


def test_the_standard_is_the_default():
    assert load_config("standard").training == TrainingConfig()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[training]\nstep = 3", "unknown field `step`"),
        ("[training]\nsteps = 0", "training: Expected `int` >= 1 - at `$.steps`"),
        ("[models.cnm]", "unknown model 'cnm'"),
        ("[models.gnn]\nwidth = -1", "config of model gnn: Expected `int` >= 1"),
        ("[model.gnn]", "unknown field `model`"),
        ("training = 3", "Expected `object`, got `int`"),
        ("[training", "is not TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text, complaint, tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(complaint)) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert main(["compare", "--data", "tiles-3", "--out", str(tmp_path / "run"), "--config", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_unknown_names_and_paths_of_another_sort_are_refused(tmp_path):
    for name in ("quik", "../configs/quick", str(tmp_path / "config.yaml")):
        with pytest.raises(InputError, match="unknown config"):
            load_config(name)
    with pytest.raises(InputError, match="cannot read the config file"):
        load_config(tmp_path / "absent.toml")


def test_a_call_takes_models_and_budget_from_the_file_and_its_own_options_first(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nsteps = 5\nbatch_size = 16\n[models.gnn]\nwidth = 4\n[models.cnn]\nwidth = 4\n")
    small = ["--data", "tiny", "--seeds", "1", "--config", str(path), "--device", "cpu"]
    assert main(["compare", *small, "--out", str(tmp_path / "a"), "--steps", "3"]) == 0
    asked = json.loads((tmp_path / "a" / "config.json").read_text())
    assert list(asked["models"]) == ["gnn", "cnn"]
    config = msgspec.to_builtins(GnnConfig(width=4))
    assert asked["models"]["gnn"] == {"model": "gnn", "config": config, "sha256": ""}
    assert (asked["training"]["steps"], asked["training"]["batch_size"]) == (3, 16)
    assert main(["compare", *small, "--out", str(tmp_path / "b"), "--models", "cnn", "--match", "steps"]) == 0
    assert list(json.loads((tmp_path / "b" / "config.json").read_text())["models"]) == ["cnn"]


@pytest.mark.parametrize("first", ["gnn", "cnn", "question"])
def test_matched_nets_have_as_many_parameters_as_the_first(first):
    others = [*("cnn", "gnn", "exchangeable", "deepsets", "gatv2", "pna")]
    names = [first, *(name for name in others if name != first)]
    nets = named_architectures(names)
    matched = match_parameters(nets, 9)
    assert list(matched) == names and matched[first] is nets[first]
    wanted = matched[first].parameter_count(9)
    for name, net in matched.items():
        assert abs(net.parameter_count(9) / wanted - 1) <= 0.1, name


def test_a_net_without_a_width_or_too_far_away_is_refused():
    with pytest.raises(InputError, match="question has no width to match to cnn's"):
        match_parameters(named_architectures(["cnn", "question"]), 9)
    with pytest.raises(InputError, match="cnn comes no closer to the"):
        match_parameters(named_architectures({"gnn": {"width": 1, "rounds": 1}, "cnn": None}), 9)
