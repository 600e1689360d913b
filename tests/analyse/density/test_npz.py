"""Arrays in files: numbers come back, and nothing that would have to be unpickled is written."""

import numpy as np
import pytest

from iondrill.analyse.density.npz import read_arrays, write_arrays


def test_arrays_of_objects_are_refused_and_leave_no_file(tmp_path):
    write_arrays(tmp_path / "good.npz", x=np.arange(3))
    np.testing.assert_array_equal(read_arrays(tmp_path / "good.npz", "x")[0], [0, 1, 2])
    with pytest.raises(ValueError, match=r"allow_pickle"):
        write_arrays(tmp_path / "bad.npz", x=np.array([{}], dtype=object))
    assert [file.name for file in tmp_path.iterdir()] == ["good.npz"]
