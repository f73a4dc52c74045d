"""What referral reads outside a unit of work."""
