"""What is put into a sender's own file, and what is left out of it."""
