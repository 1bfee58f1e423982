"""The console: all admin code, roles, alerts, error log, reports."""
