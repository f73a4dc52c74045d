"""Referrals of one sending agency: who may be referred where, and how each referral moves."""
