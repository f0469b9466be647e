"""Files of labels: what cannot be read is refused with a remedy that holds for it."""

import pytest

from gnnmax.detection.label_files import read_labels
from gnnmax.errors import InputError


def test_a_missing_file_is_no_reason_to_save_it_in_another_format(tmp_path):
    with pytest.raises(InputError, match=r"arms\.txt: No such file or directory; give the path of a text file"):
        read_labels(tmp_path / "arms.txt")
