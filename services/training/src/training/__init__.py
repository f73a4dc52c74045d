"""An agency that trains: seats, people in training, what they reach and how they live afterwards."""
