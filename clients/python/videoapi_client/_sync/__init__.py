"""The client that blocks: made from `_async` by `make clients`, and never edited."""
