"""The guide: what people come for, what to bring, and the way there."""
