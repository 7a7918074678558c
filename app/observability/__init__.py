"""Is told what happens, and asks nothing: log lines, the audit log, metrics."""
