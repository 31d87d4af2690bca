"""VBA projects from plain sources: compression, compound file, project, and the sheet's buttons."""
