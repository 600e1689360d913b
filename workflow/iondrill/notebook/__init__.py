"""Results for notebooks and scripts: tables with units in their names, structures, maps, a view."""
