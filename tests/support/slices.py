"""An array that can only be read by slices, as arrays of zarr, h5py and dask are."""


class Slices:
    """An array behind slices that counts what it hands out."""

    def __init__(self, values, chunks=None):
        self._values, self.shape, self.dtype, self.chunks = values, values.shape, values.dtype, chunks
        self.handed_out, self.largest, self.read = 0, 0, []

    def __getitem__(self, key):
        rows, columns = key
        assert isinstance(rows, slice) and isinstance(columns, slice)
        part = self._values[key]
        self.handed_out += part.size
        self.largest = max(self.largest, part.nbytes)
        self.read.append((rows.start, rows.stop))
        return part
