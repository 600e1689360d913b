"""The engine GFN-xTB by tblite, in process."""

from iondrill.engines.xtb.engine import XtbEngine

__all__ = ["XtbEngine"]
