"""Surfaces: slabs of facets, their reconstructions, sites and ions on them."""
