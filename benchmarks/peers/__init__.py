"""The same lines as others build them, for benchmarks to stand beside."""
