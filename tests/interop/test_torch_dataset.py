"""The torch data set: the same windows, in whole batches, in any worker."""

import multiprocessing

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, StackDataset, Subset, default_collate, random_split

from gnnmax import InputError, build, load_recipe
from gnnmax.data.store import write_dataset
from gnnmax.data.stream import stream_windows
from gnnmax.interop.torch_dataset import StreamDataset, WindowDataset

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
    check(data.batch(chosen), w[chosen])
    fetched = data.__getitems__(chosen)
    check(default_collate(fetched), w[chosen])
    assert len(fetched) == 4 and np.array_equal(fetched[2]["values"].numpy(), w.values[47])
    assert len(data) == len(w) == 48
    one = data[47]
    assert one["values"].shape == (5, 5) and one["label"].shape == ()
    assert np.array_equal(one["row_context"].numpy(), w.row_context[47])


def test_batches_are_copies_that_may_be_written(folder):
    data = WindowDataset.stored(folder, "train")
    data.batch([0])["values"].zero_()
    assert data[0]["values"].any()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # torch forks beside its own threads
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_every_window_once_in_order(folder, workers):
    data = WindowDataset.stored(folder, "train")
    loader = DataLoader(data, batch_size=10, num_workers=workers)
    assert [len(batch["label"]) for batch in loader] == [10, 10, 10, 10, 8]
    check(joined(loader), build(RECIPE).train)


def state_in(data, queue):
    queue.put((vars(data)["_windows"].values.flags.owndata, data[3]["values"].sum().item()))


def test_a_spawned_process_maps_the_files_again_and_is_sent_the_path_alone(folder):
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
    batch = WindowDataset(w).batch(range(len(w)))
    assert set(batch) == {"values", "label"}
    assert np.array_equal(batch["label"].numpy(), w.planted)


def test_there_is_no_window_beyond_the_last_and_no_split_beyond_the_recipe(folder):
    with pytest.raises(IndexError, match="window 48 of 48"):
        _ = WindowDataset.stored(folder, "train")[48]
    with pytest.raises(InputError, match="unknown split"):
        WindowDataset.stored(folder, "dev")


def test_parts_and_joins_of_torch_give_the_same_windows_with_the_default_collate():
    w = build(RECIPE).train
    data = WindowDataset(w)
    check(joined(DataLoader(data, batch_size=7)), w)
    check(joined(DataLoader(data, batch_size=7, collate_fn=WindowDataset.collate)), w)
    check(joined(DataLoader(Subset(data, [3, 1, 47]), batch_size=2)), w[[3, 1, 47]])
    check(joined(DataLoader(ConcatDataset([data, WindowDataset(w[:5])]), batch_size=9)), w[[*range(48), *range(5)]])
    first, _ = random_split(data, [0.5, 0.5], generator=torch.Generator().manual_seed(0))
    check(joined(DataLoader(first, batch_size=10)), w[first.indices])
    pairs = next(iter(DataLoader(StackDataset(data, data), batch_size=4)))
    check(pairs[1], w[:4])


def test_a_batch_is_fetched_by_one_gather_through_a_subset_too(monkeypatch):
    calls = []
    gather = WindowDataset.batch
    monkeypatch.setattr(
        WindowDataset, "batch", lambda self, indices: calls.append(len(indices)) or gather(self, indices)
    )
    list(DataLoader(Subset(WindowDataset(build(RECIPE).train), range(20)), batch_size=10))
    assert calls == [10, 10]


def test_something_else_than_windows_is_refused_with_a_hint():
    with pytest.raises(InputError, match="from_values"):
        WindowDataset(np.zeros((4, 3, 3)))


def hosts_of(batches):
    return [tuple(value.ravel().tolist()) for batch in batches for value in batch["values"]]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_workers_share_a_stream_without_repetition():
    def windows(loader, batches):
        return hosts_of(batch for _, batch in zip(range(batches), loader, strict=False))

    stream = StreamDataset(RECIPE, batch=8)
    found = windows(DataLoader(stream, batch_size=None, num_workers=2), 8)
    assert len(set(found)) == len(found) == 64
    alone = windows(DataLoader(stream, batch_size=None), 8)
    shards = [next(stream_windows(RECIPE, "train", 32, shard=(index, 2))).values for index in (0, 1)]
    assert set(found) == {tuple(value.ravel().tolist()) for shard in shards for value in shard}
    assert len(set(alone)) == 64
    assert windows(DataLoader(StreamDataset(RECIPE), batch_size=8), 8) == alone
