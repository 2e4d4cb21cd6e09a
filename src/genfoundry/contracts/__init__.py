"""What entries of the catalogue promise, as code that tries it: on the shipped ones in our tests, on a user's own by
`genfoundry check` and by pytest. A promise that is not kept is a `BrokenPromise`, which says what was found."""
