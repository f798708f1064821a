"""What is usual at this hour of such a day, and what that says of the coming hours and days."""
