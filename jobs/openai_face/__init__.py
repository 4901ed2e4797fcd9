"""`/v1/videos`: our jobs in the shape of OpenAI's API, for code that speaks it already."""
