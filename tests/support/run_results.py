"""Results of runs without the clock, to be compared."""

import json

from gnnmax.experiments.results import encode_results


def figures(results) -> dict:
    """Return results as a tree: everything but the times and the environment."""
    plain = json.loads(encode_results(results))
    plain.pop("environment")
    for model in plain["models"]:
        for training in model["runs"]:
            for record in [training, *training["history"]]:
                record.pop("seconds")
    return plain
