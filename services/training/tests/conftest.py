"""What the tests of training share."""
