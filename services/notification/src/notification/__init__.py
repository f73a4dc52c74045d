"""Tells everybody concerned: content-free messages by WhatsApp, then SMS, then a human."""
