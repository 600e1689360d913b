"""Would a test notice? Change the code that decides or computes, one position at a time, and run its tests."""
