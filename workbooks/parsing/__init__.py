"""Files from outside, taken apart in a child process."""
