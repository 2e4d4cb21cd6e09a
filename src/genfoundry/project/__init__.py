"""What a project is: where it begins, what its mark says, and where entries of the catalogue lie."""
