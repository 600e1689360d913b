"""The configuration: typed models, which are the only source of defaults, schema and reference page."""
