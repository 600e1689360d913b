"""The stages of the workflow: each says which jobs it has, and what these compute."""
