"""The commands evaluate and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import tyro

from gnnmax.cli.arguments import NETS_HELP, Flag, nets_of, open_any_data
from gnnmax.cli.map_runs import MapRun, evaluate_map_run
from gnnmax.cli.printing import print_checks, print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.io.ownership import Output, check_outputs

__all__ = ["Evaluate", "Report"]


@dataclass(frozen=True)
class Evaluate:
    """Evaluate the trained models of a run, and the explicit rules, on a split of a data set; or your own scores.

    Your own scores come in files: --scores s.csv --labels y.csv [--graph g.csv], one entry a window, as .csv, .npy or
    .npz. Several files of scores are compared.
    """

    run_folder: Annotated[Path | None, tyro.conf.arg(name="run")] = None
    """A run folder, or the folder of one model."""
    data: str | None = None
    """Folder of a data set, name of a recipe, or path of a .toml file."""
    split: str = "test"
    """The split to evaluate on."""
    models: Annotated[str, tyro.conf.arg(help=NETS_HELP)] = ""
    allow_changed: Flag = False
    """Run nets of your own although their file was changed since the training."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto uses a GPU if there is one."""
    scores: tuple[str, ...] = ()
    """Files of scores, each FILE or NAME=FILE; a column called score, where there are several."""
    labels: Path | None = None
    """File of labels, 0 or 1; a column called label."""
    graph: Path | None = None
    """File of each window's graph, a number or a name; a column called graph. Default: each window is a graph."""
    weights: Path | None = None
    """File of each window's weight; a column called weight. Default: all weigh the same."""
    threshold: float = 0.0
    """Of your own scores: a window is called centred if its score is above it."""
    scale: Literal["logits", "probabilities"] | None = None
    """Of your own scores; adds Brier score and calibration."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Score, evaluate, print the tables."""
        if self._of_files():
            from gnnmax.cli.score_files import compare_files

            result = compare_files(
                self.scores,
                self.labels,
                graph=self.graph,
                weights=self.weights,
                threshold=self.threshold,
                scale=self.scale,
            )
            if self.json:
                print_json(result.to_dict())
            else:
                print_tables(result)
            return 0
        return self._run_models()

    def _of_files(self) -> bool:
        """Return whether files of scores are evaluated, and not the models of a run."""
        files = {
            "--scores": self.scores or None,
            "--labels": self.labels,
            "--graph": self.graph,
            "--weights": self.weights,
            "--scale": self.scale,
            "--threshold": self.threshold or None,
        }
        given = [name for name, value in files.items() if value is not None]
        models = [name for name, value in (("--run", self.run_folder), ("--data", self.data)) if value is not None]
        if given and models:
            raise InputError(f"{given[0]} and {models[0]} do not go together: a run is scored by its own models")
        wanted = ("--scores", "--labels") if given else ("--run", "--data")
        missing = [name for name in wanted if name not in (*given, *models)]
        if missing:
            raise InputError(
                f"evaluate needs {missing[0]}: give --run FOLDER and --data DATA, or --scores FILE and --labels FILE"
            )
        return bool(given)

    def _run_models(self) -> int:
        from gnnmax.data.maps.dataset import MapSet
        from gnnmax.experiments.divergence import diverged_in
        from gnnmax.experiments.results import encode_results
        from gnnmax.experiments.run_folder import load_run
        from gnnmax.experiments.scoreboard import evaluate_split
        from gnnmax.report.tables import split_tables

        assert self.run_folder is not None and self.data is not None
        data = open_any_data(self.data)
        if isinstance(data, MapSet):
            run = MapRun(self.run_folder, self.device, self.models, self.allow_changed)
            return evaluate_map_run(data, run=run, split=self.split, json=self.json)
        models = load_run(
            self.run_folder, device=self.device, models=nets_of(self.models), allow_changed=self.allow_changed
        )
        for name, seeds in models.items():
            if seeds[0].card.on_maps:
                raise InputError(f"{name} reads maps, and {self.data} holds windows: name a data set of maps")
        windows = data.split(self.split)
        scores = {name: [model.score(windows) for model in seeds] for name, seeds in models.items()}
        own = any(model.card.recipe_digest == data.recipe.digest for seeds in models.values() for model in seeds)
        trained = own and self.split not in data.recipe.shifts
        lost = diverged_in(self.run_folder)
        result = evaluate_split(data, scores, split=self.split, trained=trained, diverged=lost)
        if self.json:
            print_json(msgspec.json.decode(encode_results(result)))
        else:
            print_tables(*split_tables(result))
        return 0


@dataclass(frozen=True)
class Report:
    """Write the report of a run or of a sweep: one self-contained HTML file."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """A run folder that compare wrote, or the folder of a sweep."""
    out: Path | None = None
    """The file to write. Default: report.html in the run folder, sweep.html in that of a sweep."""
    heat_maps: Path | None = None
    """Also write the heat maps, as an SVG file."""
    force: Flag = False
    """Replace a file that gnnmax did not write."""
    answer: Flag = False
    """Open the page with the answer to the question: shipped nets on fresh windows, their order known or lost."""
    markdown: Flag = False
    """Print the tables in Markdown."""
    reproduce: Flag = False
    """Run the same call again and compare every metric; status 1 if one differs."""
    models: Annotated[str, tyro.conf.arg(help=f"{NETS_HELP} Needed with --reproduce.")] = ""

    def run(self) -> int:
        """Write the report, and print the tables and the path."""
        if self.reproduce:
            from gnnmax.experiments.rerun import reproduce_run

            checks = reproduce_run(self.run_folder, models=nets_of(self.models))
            print_checks(checks)
            return 0 if all(check.holds for check in checks) else 1
        from gnnmax.experiments.results import RESULTS, Results, read_results
        from gnnmax.experiments.sweeps.ledger import MARK
        from gnnmax.report.documents import split_markdown
        from gnnmax.report.page import write_heat_maps, write_page
        from gnnmax.report.tables import run_tables

        if (self.run_folder / MARK).exists():
            return self._of_sweep()
        results = read_results(self.run_folder)
        if not isinstance(results, Results):
            return self._of_maps(results)
        page = self.out or self.run_folder / "report.html"
        outputs = [Output("--out", page, (".html",)), Output("--heat-maps", self.heat_maps, (".svg",))]
        check_outputs(outputs, inputs=[self.run_folder, self.run_folder / RESULTS], force=self.force)
        orders = None
        if self.answer:
            from gnnmax.experiments.reproduction.answer import verdicts_on_bumps
            from gnnmax.report.answers import in_short

            orders = {order: verdicts_on_bumps(order, seed=0) for order in ("natural", "shuffled")}
            print_text("\n".join(in_short(results, orders)))
        write_page(results, page, orders=orders)
        if self.heat_maps is not None:
            write_heat_maps(results, self.heat_maps)
        if self.markdown:
            print_text("\n\n".join(f"{test.name}\n\n{split_markdown(test)}" for test in results.tests))
            return 0
        print_tables(*run_tables(results))
        print_text(page)
        return 0

    def _of_sweep(self) -> int:
        """Write the report of a sweep."""
        from gnnmax.cli.sweep_command import show_sweep
        from gnnmax.experiments.sweeps.table import read_sweep

        flags = {"--answer": self.answer, "--heat-maps": self.heat_maps is not None, "--markdown": self.markdown}
        for refused in (name for name, given in flags.items() if given):
            raise InputError(f"{self.run_folder} is a sweep, whose report has no {refused}: leave it out")
        page = self.out or self.run_folder / "sweep.html"
        check_outputs([Output("--out", page, (".html",))], inputs=[self.run_folder], force=self.force)
        show_sweep(read_sweep(self.run_folder), page, table=None, figure=None, json=False)
        return 0

    def _of_maps(self, results: Any) -> int:
        """Write the report of a run on maps."""
        from gnnmax.experiments.results import RESULTS
        from gnnmax.report.documents import markdown
        from gnnmax.report.map_page import write_map_page
        from gnnmax.report.map_tables import map_run_tables, map_split_rows

        if self.answer or self.heat_maps is not None:
            refused = "--answer" if self.answer else "--heat-maps"
            raise InputError(f"{self.run_folder} is a run on maps, whose report has no {refused}: leave it out")
        page = self.out or self.run_folder / "report.html"
        outputs = [Output("--out", page, (".html",))]
        check_outputs(outputs, inputs=[self.run_folder, self.run_folder / RESULTS], force=self.force)
        write_map_page(results, page)
        if self.markdown:
            tables = [(test.name, *map_split_rows(test)) for test in results.tests]
            print_text("\n\n".join(f"{name}\n\n{markdown([header, *rows])}" for name, header, rows in tables))
            return 0
        print_tables(*map_run_tables(results))
        print_text(page)
        return 0
