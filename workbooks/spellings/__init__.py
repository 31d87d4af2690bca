"""What people type, and the value they mean."""
