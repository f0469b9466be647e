"""Altered runs on maps: refused in one line, or shown whole."""

import json
import shutil

import msgspec
import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import encode_results, parse_results, read_results
from gnnmax.experiments.run_config import check_same_call, read_config
from gnnmax.experiments.run_folder import load_run
from gnnmax.models.maps.trained import load_map_model
from gnnmax.report.map_page import render_map_page
from gnnmax.report.map_tables import map_run_tables
from gnnmax.training.config import TrainingConfig
from tests.support.altered_json import Tried, altered_trees, unlawful
from tests.support.map_nets import SMALL
from tests.support.maps import few_maps_for_ceilings, map_recipe
from tests.support.mutations import mutants
from tests.support.special_files import SPECIAL, no_hang, put_special

pytestmark = pytest.mark.altered

LINES = map_recipe(splits={"train": 6, "val": 4, "test": 4}, n=12)
BUDGET = TrainingConfig(steps=2, batch_size=4, evaluate_every=1, checkpoint_every=1, device="cpu")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        few_maps_for_ceilings(patch)
        out = tmp_path_factory.mktemp("runs") / "maps"
        compare(LINES, {"map-cnn": SMALL["map-cnn"]}, out, seeds=(0,), training=BUDGET)
    return out


@pytest.fixture
def run(original, tmp_path):
    return shutil.copytree(original, tmp_path / "run")


def test_altered_results_of_maps_are_refused_or_shown_whole(run, mutant_count):
    file = run / "results.json"
    content, tried, shown = file.read_bytes(), Tried(), 0
    for altered in (mutants(content, mutant_count // 4), altered_trees(json.loads(content), mutant_count // 4)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(read_results, run)
            if found is not None:
                assert encode_results(parse_results(encode_results(found))) == encode_results(found)
                assert map_run_tables(found)
                if shown < 3:
                    assert "<html" in render_map_page(found)
                    shown += 1
    tried.check(least=0.3)


def test_altered_records_of_a_call_on_maps(run, mutant_count):
    file, config, tried = run / "config.json", read_config(run), Tried()
    content = file.read_bytes()

    def same_call():
        check_same_call(run, config)
        return read_config(run)

    for altered in (mutants(content, mutant_count // 4), altered_trees(json.loads(content), mutant_count // 4)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(same_call)
            if found is not None:
                plain = [json.loads(json.dumps(msgspec.to_builtins(each, str_keys=True))) for each in (config, found)]
                assert unlawful(*plain, {"command": lambda value: isinstance(value, str)}) == []
    tried.check()


def test_altered_cards_of_nets_on_maps(run, mutant_count):
    folder, tried = run / "map-cnn" / "seed-0", Tried()
    card = (folder / "model.json").read_bytes()
    for altered in (mutants(card, mutant_count // 6), altered_trees(json.loads(card), mutant_count // 6)):
        for mutant in altered:
            (folder / "model.json").write_bytes(mutant)
            found = tried(load_map_model, folder, "cpu")
            if found is not None:
                assert found.card.name == "map-cnn" or found.card.on_maps
    tried.check(least=0.3)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["results.json", "map-cnn/seed-0/model.json", "map-cnn/seed-0/weights.safetensors"])
def test_a_special_file_in_a_run_on_maps_is_one_line(run, name, kind):
    put_special(run / name, kind)
    read = read_results if name == "results.json" else load_run
    with (
        no_hang(30),
        pytest.raises(InputError, match=r"cannot read|is damaged|is empty|was changed|no trained model") as caught,
    ):
        read(run)
    assert "\n" not in str(caught.value)
