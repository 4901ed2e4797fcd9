"""One generation from submit to settled: state, money moves, queue, providers, API."""
