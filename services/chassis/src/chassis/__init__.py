"""What every service needs and no agency owns."""
