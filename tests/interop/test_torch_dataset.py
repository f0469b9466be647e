"""The torch data set: the same windows, in whole batches, in any worker."""

import multiprocessing

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from gnnmax import InputError, build, load_recipe
from gnnmax.data.store import write_dataset
from gnnmax.interop.torch_dataset import WindowDataset

RECIPE = load_recipe("tiny").replace(contexts=True, splits={"train": 6, "test": 2})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset(RECIPE, tmp_path_factory.mktemp("data") / "tiny")


def check(batch, w):
    assert set(batch) == {"values", "row_context", "column_context", "label"}
    for name in ("values", "row_context", "column_context", "label"):
        assert batch[name].dtype == torch.float32
        assert np.array_equal(batch[name].numpy(), getattr(w, name))


def joined(loader):
    batches = list(loader)
    return {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}


def test_a_batch_is_the_windows_asked_for_and_one_window_is_a_batch_of_one():
    w = build(RECIPE).train
    data, chosen = WindowDataset(w), [5, 0, 47, 5]
    check(data.__getitems__(chosen), w[chosen])
    assert len(data) == len(w) == 48
    one = data[47]
    assert one["values"].shape == (5, 5) and one["label"].shape == ()
    assert np.array_equal(one["row_context"].numpy(), w.row_context[47])


def test_batches_are_copies_that_may_be_written(folder):
    data = WindowDataset.stored(folder, "train")
    data.__getitems__([0])["values"].zero_()
    assert data[0]["values"].any()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # torch forks beside its own threads
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_every_window_once_in_order(folder, workers):
    data = WindowDataset.stored(folder, "train")
    loader = DataLoader(data, batch_size=10, collate_fn=WindowDataset.collate, num_workers=workers)
    assert [len(batch["label"]) for batch in loader] == [10, 10, 10, 10, 8]
    check(joined(loader), build(RECIPE).train)


def state_in(data, queue):
    queue.put((vars(data)["_windows"].values.flags.owndata, data[3]["values"].sum().item()))


def test_a_spawned_process_maps_the_files_anew_and_is_sent_the_path_alone(folder):
    data = WindowDataset.stored(folder, "train")
    assert set(data.__getstate__()) == {"_source"}
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=state_in, args=(data, queue))
    process.start()
    assert queue.get(timeout=60) == (False, data[3]["values"].sum().item())
    process.join()


def test_windows_without_contexts_have_none_and_labels_are_those_of_the_recipe():
    w = build(load_recipe("noise-9-mu2").replace(splits={"test": 1})).test
    batch = WindowDataset(w).__getitems__(range(len(w)))
    assert set(batch) == {"values", "label"}
    assert np.array_equal(batch["label"].numpy(), w.planted)


def test_there_is_no_window_beyond_the_last_and_no_split_beyond_the_recipe(folder):
    with pytest.raises(IndexError, match="window 48 of 48"):
        _ = WindowDataset.stored(folder, "train")[48]
    with pytest.raises(InputError, match="unknown split"):
        WindowDataset.stored(folder, "dev")
