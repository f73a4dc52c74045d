"""What intake decides: pure, without clock, store or log. One module per aggregate."""
