"""What the bench measures with: zones, a source and a sink, readers, yardsticks, Intaglio and its peers."""
