"""A seeded synthetic office with known truth: models.world.office.live. See docs/world.md."""
