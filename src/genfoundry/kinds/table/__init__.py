"""Rows of a table, each for itself: columns of numbers, categories, booleans and dates, with cells that may miss."""
