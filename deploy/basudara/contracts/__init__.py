"""What is done with the contracts as data: held against the rules, compared, shown, and held against a topic."""
