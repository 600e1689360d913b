"""The electron localisation function, on planes, grids and lines."""
