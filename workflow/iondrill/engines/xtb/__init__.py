"""The engine GFN1/GFN2-xTB by tblite, in process."""
