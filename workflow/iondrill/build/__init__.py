"""Geometries from recipes, each checked when it is built."""
