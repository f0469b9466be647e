"""Learning curves for TensorBoard: a resumed run writes every point once."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gnnmax.training.tensorboard import tensorboard_curves


def test_a_resumed_run_writes_every_point_once(tmp_path):
    folder = tmp_path / "tensorboard"
    records = [{"event": "step", "model": "cnn", "seed": 0, "step": step, "loss": 1 / step} for step in (50, 100, 150)]
    records.append({"event": "diverged", "model": "cnn", "seed": 0, "step": 160, "reason": "the loss is nan"})
    with tensorboard_curves(folder) as write:
        for record in records[:2]:
            write(record)
    with tensorboard_curves(folder, past=records[:1]) as write:
        for record in records[1:]:
            write(record)
    curves = EventAccumulator(str(folder))
    curves.Reload()
    assert [event.step for event in curves.Scalars("training loss/cnn, seed 0")] == [50, 100, 150]
