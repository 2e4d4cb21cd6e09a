"""Synthetic tables: rows like those of a table, judged by utility, resemblance and privacy."""
