"""E-mail as a channel: messages are kept, read in a child process, taken in and answered."""
