"""JSON of numbers that the format cannot write."""

import json

import numpy as np
import pytest

from gnnmax.errors import InputError
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict
from gnnmax.evaluation.verdict import Verdict
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


@pytest.mark.parametrize("kind", [Verdict, PeakVerdict])
@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, '{"a":' * 2_000 + "1" + "}" * 2_000, "[]", "{", b"\xff", "\ud800", '{"n": 1}', ""]
)
def test_text_that_is_no_verdict_is_refused_in_one_line(kind, text):
    with pytest.raises(InputError, match=r"^this JSON holds no (peak )?verdict: ") as refused:
        kind.from_json(text)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300
