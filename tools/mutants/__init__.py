"""Would a test notice? Change the code that decides or computes, one place at a time, and run its tests."""
