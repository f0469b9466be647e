"""The first calls of users of other libraries, each as they type it; ``docs/first-calls.md`` is rendered from these.

``python -m tests.support.first_calls`` writes the page.
"""

import sys
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "first-calls.md"

PRELUDE = """
import copy, pickle
import numpy as np
import torch
import gnnmax
from gnnmax import RULES, build, evaluate, find_maxima, load_model, load_recipe
data = build(load_recipe("tiny").replace(contexts=True, windows_per_graph=40))
w = data.test
values, label = w.values, w.label
X, y = values.reshape(len(w), -1), label
scores = RULES["margin"](w)
matrix = np.random.default_rng(0).random((20, 20))
"""
"""What the page assumes: a data set, its test windows, scores of them, and a matrix."""


class Call(NamedTuple):
    """A call: the library whose users type it, the code, and, where it does not run, what to type instead."""

    library: str
    code: str
    instead: str = ""
    imports: str = ""

    @property
    def typed(self) -> str:
        """The whole line, as it is typed."""
        return f"{self.imports}; {self.code}" if self.imports else self.code


CALLS = [
    Call(
        "PyTorch",
        "next(iter(DataLoader(gnnmax.WindowDataset(w), batch_size=4)))",
        imports="from torch.utils.data import DataLoader",
    ),
    Call(
        "PyTorch",
        "random_split(gnnmax.WindowDataset(w), [0.8, 0.2])",
        imports="from torch.utils.data import random_split",
    ),
    Call(
        "PyTorch",
        "ConcatDataset([gnnmax.WindowDataset(data.train), gnnmax.WindowDataset(w)])[50]",
        imports="from torch.utils.data import ConcatDataset",
    ),
    Call(
        "PyTorch",
        "next(iter(DataLoader(Subset(gnnmax.WindowDataset(w), range(9)), batch_size=4)))",
        imports="from torch.utils.data import DataLoader, Subset",
    ),
    Call("PyTorch", "gnnmax.WindowDataset(w)[-1]['values'].shape"),
    Call("PyTorch", "load_model('gnn').to('cpu')"),
    Call("PyTorch", "torch.tensor(w.values), torch.from_numpy(w[::-1].values)"),
    Call(
        "PyTorch",
        "next(iter(DataLoader(gnnmax.StreamDataset('tiny'), batch_size=8)))",
        imports="from torch.utils.data import DataLoader",
    ),
    Call("PyTorch", "copy.deepcopy(data), pickle.loads(pickle.dumps(w))"),
    Call("PyG", "len(data)"),
    Call("PyG", "data.test[0]"),
    Call("PyG", "data[0]", "data.test[0], or data.test[0].to_pyg()[0]: a data set holds splits"),
    Call("PyG", "data.test.to_pyg()[0]"),
    Call("PyG", "gnnmax.to_data(w, encoding='standard', zeros=False, contexts=True)"),
    Call(
        "PyG",
        "next(iter(DataLoader(gnnmax.to_data(w), batch_size=4)))",
        imports="from torch_geometric.loader import DataLoader",
    ),
    Call("PyG", "Batch.from_data_list(w.to_pyg())", imports="from torch_geometric.data import Batch"),
    Call(
        "PyG",
        "GCNConv(3, 8)(d.x, d.edge_index, d.edge_weight.abs())",
        imports="from torch_geometric.nn import GCNConv; d = w.to_pyg()[0]",
    ),
    Call(
        "PyG",
        "AddLaplacianEigenvectorPE(k=2)(w.to_pyg()[0])",
        imports="from torch_geometric.transforms import AddLaplacianEigenvectorPE",
    ),
    Call("PyG", "to_networkx(w.to_pyg()[0])", imports="from torch_geometric.utils import to_networkx"),
    Call("OGB", "gnnmax.open_dataset(data.save(folder / 'mine'))"),
    Call("OGB", "data.get_idx_split()", "data.train, data.val and data.test: windows are split by graph"),
    Call("OGB", "evaluate(scores, label)"),
    Call("OGB", "gnnmax.Evaluator().eval({'y_true': label, 'y_pred': scores})"),
    Call("OGB", "print(gnnmax.Evaluator().expected_input_format)"),
    Call("OGB", "evaluate(scores, label, graph=w.graph)"),
    Call("OGB", "evaluate(scores, w).to_dict()"),
    Call("OGB", "gnnmax.compare_scores({'mine': scores, 'theirs': RULES['centre_value']}, w)"),
    Call("scikit-learn", "gnnmax.WindowClassifier(net='cnn', steps=5).fit(X, y).predict(X)"),
    Call("scikit-learn", "gnnmax.WindowClassifier(net='cnn', steps=5).fit(X, y).decision_function(X)"),
    Call(
        "scikit-learn",
        "cross_val_score(gnnmax.WindowClassifier('cnn', steps=2), X, y, cv=2)",
        imports="from sklearn.model_selection import cross_val_score",
    ),
    Call(
        "scikit-learn",
        "make_pipeline(StandardScaler(), gnnmax.WindowClassifier('cnn', steps=2)).fit(X, y)",
        imports="from sklearn.pipeline import make_pipeline; from sklearn.preprocessing import StandardScaler",
    ),
    Call("scikit-learn", "gnnmax.compare_scores({'mine': scores}, w).to_pandas()"),
    Call("scikit-learn", "clone(gnnmax.WindowClassifier())", imports="from sklearn.base import clone"),
    Call("scikit-learn", "load_model('gnn').predict(w)"),
    Call("scikit-learn", "load_model('gnn').predict_proba(w)"),
    Call("scikit-learn", "roc_auc_score(w.label, scores)", imports="from sklearn.metrics import roc_auc_score"),
    Call(
        "scikit-learn",
        "train_test_split(values, label)",
        imports="from sklearn.model_selection import train_test_split",
    ),
    Call("scikit-learn", "gnnmax.import_windows(X, y, graph=w.graph, shares=[0.5, 0.5])"),
    Call(
        "torchmetrics",
        "VerdictMetric()(torch.tensor(scores), torch.tensor(label))",
        imports="from gnnmax.interop.metric import VerdictMetric",
    ),
    Call("torchmetrics", "evaluate(torch.tensor(scores), torch.tensor(label))"),
    Call("torchmetrics", "figure, axes = evaluate(scores, w).plot()"),
    Call("torchmetrics", "figure, axes = gnnmax.compare_scores(dict(RULES), w).plot()"),
    Call(
        "torchmetrics",
        "BinaryAccuracy()(torch.tensor(scores > 0), torch.tensor(label))",
        imports="from torchmetrics.classification import BinaryAccuracy",
    ),
    Call("Hugging Face", "data['test']"),
    Call("Hugging Face", "[split for split in data], data.keys()"),
    Call("Hugging Face", "data['test'].to_pandas()"),
    Call("Hugging Face", "data['train'][:5]"),
    Call(
        "Hugging Face",
        "gnnmax.train(data, 'gnn', training=TrainingConfig(steps=2))",
        imports="from gnnmax.training.config import TrainingConfig",
    ),
    Call(
        "Hugging Face",
        "gnnmax.compare(data, ['cnn', 'gnn'], folder / 'run', seeds=[0], training=TrainingConfig(steps=2))",
        imports="from gnnmax.training.config import TrainingConfig",
    ),
    Call("Hugging Face", "gnnmax.load_dataset('tiny')", "gnnmax.build('tiny'), or gnnmax.open_dataset(folder)"),
    Call("Hugging Face", "data.save_to_disk(folder / 'mine')", "data.save(folder / 'mine')"),
    Call("Hugging Face", "load_recipe('tiny').to_toml()"),
    Call("scikit-image", "find_maxima(matrix, k=3).to_pandas()"),
    Call("scikit-image", "figure, axes = find_maxima(matrix, k=3).plot(matrix)"),
    Call("scikit-image", "figure, axes = w.plot()"),
]


def markdown() -> str:
    """Write the page."""
    runs = sum(not call.instead for call in CALLS)
    lines = [
        "# First calls",
        "",
        "What users of other libraries type first, and what happens. The tests run every line.",
        "",
        "`data` is a data set, `w = data.test` its test windows, `X, y` their flattened values and labels,",
        "`scores` one score a window, `matrix` an array, `folder` a path.",
        "",
        f"{runs} of {len(CALLS)} run as they stand; for the others the right-hand column says what to type.",
    ]
    for library in dict.fromkeys(call.library for call in CALLS):
        lines += ["", f"## {library}", "", "| call | |", "| --- | --- |"]
        for call in CALLS:
            if call.library == library:
                code = call.typed.replace("|", "\\|")
                lines.append(f"| `{code}` | {'type ' + call.instead if call.instead else 'runs'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
