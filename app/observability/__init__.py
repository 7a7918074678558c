"""Log lines, the audit log and metrics. Other rooms report to this one; it calls none of them."""
