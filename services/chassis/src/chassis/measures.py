"""What is counted, under the names that dashboards and alerts use. Labels are codes of bounded number."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("basudara_events_handled", "events whose effects committed", ["event_type"])
DUPLICATES = Counter("basudara_events_duplicate", "events refused by the inbox", ["event_type"])
RETRIED = Counter("basudara_events_retried", "records sent to the retry topic", ["code"])
PARKED = Counter("basudara_events_parked", "records parked", ["code"])
ASSIGNED = Counter("basudara_group_assignments", "times this reader was given partitions: after the first, a rebalance")
LAG = Gauge("basudara_reader_lag_records", "records that this reader has not committed, as far as the broker told it")
POLL_FAILED = Counter("basudara_polls_failed", "polls that could not commit and will be read again", ["code"])
COMMITTED = Histogram(
    "basudara_transaction_events", "events in one committed transaction", buckets=(1, 2, 5, 10, 50, 100, 250, 500, 1000)
)
CONFLICTS = Counter("basudara_transaction_conflicts", "units of work run again because an aggregate had changed")
SENT = Counter("basudara_outbox_sent", "outbox rows acknowledged by the broker")
HELD = Gauge("basudara_outbox_held", "outbox rows that can't be sent and hold back their key")
UNSENT = Gauge("basudara_outbox_unsent", "outbox rows waiting")
OLDEST = Gauge("basudara_outbox_oldest_seconds", "age of the oldest row waiting")
DUTIES = Counter("basudara_duties_done", "due duties done", ["duty"])
REPLIES = Counter("basudara_http_replies", "HTTP replies", ["route", "status"])
SPANS_DROPPED = Counter("basudara_spans_dropped", "spans that found no room, or that could not be written or sent")
AUDIT_BLOCKS = Gauge("basudara_audit_blocks", "number of the last sealed block of the record, as this process knows it")
AUDIT_HEAD = Gauge("basudara_audit_head", "first 52 bits of that block's hash, as a number")
DEFECTS = Counter("basudara_defects", "unexpected exceptions, wherever they were caught", ["where"])
