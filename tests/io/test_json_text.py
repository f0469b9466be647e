"""JSON of numbers that the format cannot write."""

import json

import numpy as np
import pytest

from gnnmax.io.json_text import json_text


def test_numbers_of_every_type_become_strict_json():
    content = {
        "extended": np.longdouble(2.5),
        "whole": np.int64(2**62),
        "single": np.float32(0.5),
        "true": np.bool_(True),
        "list": [np.inf, -np.inf, np.nan, (1, None)],
    }
    assert json.loads(json_text(content), parse_constant=pytest.fail) == {
        "extended": 2.5,
        "whole": 2**62,
        "single": 0.5,
        "true": True,
        "list": ["Infinity", "-Infinity", None, [1, None]],
    }


def test_what_is_no_number_is_still_a_fault_of_the_caller():
    with pytest.raises(TypeError, match="not JSON serializable"):
        json_text({"x": object()})
