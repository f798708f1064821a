"""The feed in the formats of others, one file a format.

Each is made from the feed's document, in which no value is past its end. What a format cannot say
as `null` it leaves out.
"""
