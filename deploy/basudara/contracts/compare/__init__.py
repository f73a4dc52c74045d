"""Whether every document of one JSON Schema is a document of another: proved, refused with a witness, or undecided."""
