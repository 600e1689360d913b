"""Results handed on: a crate with its provenance, OPTIMADE, NOMAD, Zenodo."""
