"""Re-checking what is published: a root and a quarter in, checks and what is wrong out. Each room checks one kind."""
