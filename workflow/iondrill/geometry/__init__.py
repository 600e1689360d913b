"""Structures: geometries built from recipes, and checked."""
