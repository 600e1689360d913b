"""From numbers to figures and one page."""
