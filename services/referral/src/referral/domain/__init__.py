"""Decisions of referral: pure, without clock, waiting or log. One module per aggregate."""
