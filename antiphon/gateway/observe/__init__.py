"""What is seen of the gateway: metrics, logs, traces, and whether it is well."""
